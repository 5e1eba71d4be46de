"""The code of the function that copies snapshots to S3; Lambda brings all that it imports."""
