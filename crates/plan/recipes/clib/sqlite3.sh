#!/bin/sh
# SQLite out of its full source tree, as one translation unit. Upstream's own way there runs Tcl, which is not in the
# base image; what its scripts generate is made here by awk, sed and two C programs of upstream that run on the host.

. "$(dirname "$0")/common.sh"
recipe=$(dirname "$0")

# generate_parser FILE.y: FILE.c and FILE.h.
generate_parser() {
  /tmp/lemon -T"$src/tool/lempar.c" "$1"
}

# full_text_search: ext/fts5/*.c become fts5.c, with the names of its parser told apart from those of the main one.
full_text_search() {
  for file in fts5.h fts5Int.h fts5parse.h fts5parse.c fts5_aux.c fts5_buffer.c fts5_config.c fts5_expr.c fts5_hash.c \
    fts5_index.c fts5_main.c fts5_storage.c fts5_tokenize.c fts5_unicode2.c fts5_varint.c fts5_vocab.c; do
    case $file in
      fts5parse.c) sed -e 's/yy/fts5yy/g' -e 's/YY/fts5YY/g' -e 's/TOKEN/FTS5TOKEN/g' $file ;;
      *) cat $file ;;
    esac | sed -e '/^#include.*fts5/d' -e "s/--FTS5-SOURCE-ID--/$source_id/"
  done >fts5.c
}

# one_unit: prints a C file that includes all others, in upstream's order.
one_unit() {
  echo '#define SQLITE_CORE 1'
  echo '#define SQLITE_AMALGAMATION 1'
  sed -n '/^set flist {/,/^}/ s/^ *\([A-Za-z0-9_]*\.[ch]\)$/#include "\1"/p' "$src/tool/mksqlite3c.tcl"
  echo 'const char sqlite3_version[] = SQLITE_VERSION;'
}

mkdir -p "$build"
cd "$build"
for directory in src ext/fts3 ext/fts5 ext/icu ext/rbu ext/rtree ext/session; do
  cp "$src"/$directory/*.[chy] .
done
cp "$src/ext/misc/stmt.c" .
$host_cc/cc -O1 -g0 -w -o /tmp/lemon "$src/tool/lemon.c"
$host_cc/cc -O1 -g0 -w -o /tmp/mkkeywordhash "$src/tool/mkkeywordhash.c"

date=$(sed -n 's/^D \(....-..-..\)T\(..:..:..\).*/\1 \2/p' "$src/manifest")
source_id="$date $(cat "$src/manifest.uuid")"
number=$(echo "$VERSION" | awk -F. '{ print $1 * 1000000 + $2 * 1000 + $3 }')
# sqlite3.h has the declarations of the extensions that are built in at its end.
for file in "$src/src/sqlite.h.in" sqlite3rtree.h sqlite3session.h fts5.h; do
  sed -e "s/--VERS--/$VERSION/" -e "s/--VERSION-NUMBER--/$number/" -e "s/--SOURCE-ID--/$source_id/" \
    -e '/#include.*[<"]sqlite3\.h[>"]/d' "$file"
done >sqlite3.h

generate_parser parse.y
generate_parser fts5parse.y
/tmp/mkkeywordhash >keywordhash.h
awk -v names=opcodes.c -f "$recipe/sqlite3-opcodes.awk" parse.h vdbe.c >opcodes.h
full_text_search
mkdir -p $out/include
cp sqlite3.h sqlite3ext.h $out/include/
# Some headers are not made to be read twice in one unit.
sed -i '1i #pragma once' ./*.h
one_unit >sqlite3-all.c

defines="-I. -DSQLITE_THREADSAFE=1
  -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS3_PARENTHESIS
  -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_GEOPOLY -DSQLITE_ENABLE_MATH_FUNCTIONS
  -DSQLITE_ENABLE_PREUPDATE_HOOK -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_STMTVTAB
  -DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_SOUNDEX
  -DHAVE_ISNAN=1 -DHAVE_MALLOC_H=1 -DHAVE_STDINT_H=1"
# What configure would have found out.
case ${SYSTEM:-linux} in
  linux)
    defines="$defines -DHAVE_FDATASYNC=1 -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1 -DHAVE_MALLOC_USABLE_SIZE=1
      -DHAVE_PREAD=1 -DHAVE_PWRITE=1 -DHAVE_STRCHRNUL=1 -DHAVE_USLEEP=1 -DHAVE_UTIME=1"
    libraries='-lm -lpthread -ldl' ;;
  macos | freebsd)
    defines="$defines -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1 -DHAVE_PREAD=1 -DHAVE_PWRITE=1 -DHAVE_USLEEP=1 -DHAVE_UTIME=1"
    libraries='-lm -lpthread' ;;
  windows) libraries= ;;
esac
compile sqlite3-all.c
archive libsqlite3.a
pc sqlite3 'SQL database engine' -lsqlite3 "$libraries"
check_output
