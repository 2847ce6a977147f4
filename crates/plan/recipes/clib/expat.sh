#!/bin/sh
# Expat. Its archive is a copy of the repository, without configure: the few files are compiled here.

. "$(dirname "$0")/common.sh"

copy_sources
cd expat
cp "$(dirname "$0")/expat-config.h" lib/expat_config.h
mkdir -p $out/include
# Upstream installs its configuration too: expat.h does not read it, but what is compiled beside it may.
cp lib/expat.h lib/expat_external.h lib/expat_config.h $out/include/
defines='-Ilib -fvisibility=hidden -DXML_ENABLE_VISIBILITY=1'
case ${SYSTEM:-linux} in
  windows) random=lib/random_rand_s.c ;;
  *) random='lib/random_dev_urandom.c lib/random_getrandom.c' ;;
esac
compile lib/xmlparse.c lib/xmlrole.c lib/xmltok.c $random
archive libexpat.a
pc expat 'expat XML parser' -lexpat -lm
check_output
