"""Posture rules over finished templates: the CloudFormation Guard file, open ports and reachability."""
