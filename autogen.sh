#!/bin/sh
# Makes ./configure out of configure.ac. Needs autoconf, automake, libtool, autoconf-archive, pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force
