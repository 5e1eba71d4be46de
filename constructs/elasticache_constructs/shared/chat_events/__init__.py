"""Events of replication groups and Memcached clusters, in the form that chat channels show."""
