"""``python -m elasticache_constructs.rotation``: install the rotation function's dependencies unless they are there."""

import sys

from elasticache_constructs.rotation.bundle import rotation_bundle

if __name__ == "__main__" and rotation_bundle().install():
    sys.stdout.write("Installed what the rotation function depends on\n")
