#!/bin/sh
# Lays a C toolchain out over a compiler that the user brings, and finds out whether it compiles, assembles and links.
#
# In: /opt/cc/$TARGET/from (the compiler's files), /opt/zig (for what the compiler does not bring), this directory.
#   CC, ASM, SYSROOT: paths below from (ASM: what compiles assembly, if not CC); TOOLS: words NAME=PATH; CFLAGS, ASMFLAGS, LDFLAGS, LDLIBS: words as a shell reads them;
#   LIBC: musl, glibc, mingw, darwin, freebsd or bionic; MODE: -static where programs are; PACKAGES: where packages of the target are installed; ELF: 1 if objects are.
# Out: $OUT, laid out for /opt/cc/$TARGET beside from: bin/ (scripts around the programs), lib/check/program.
set -eu
LC_ALL=C; export LC_ALL
umask 022

OUT=${OUT:-/out}
TMP=${TMP:-/tmp}/cc-$$
HERE=$(cd "$(dirname "$0")" && pwd)
PREFIX=/opt/cc/$TARGET
FROM=$PREFIX/from
ZIG=/opt/zig/zig
ZLIB=/opt/zig/lib

die() { echo "C compiler: $*" >&2; exit 1; }

# What the compiler's programs are started with: those that a machine has in its own directories are not in a root's.
libraries=
[ ! -d "$FROM/libraries" ] || libraries="LD_LIBRARY_PATH=$FROM/libraries "

# tool NAME: prints where the brought program of that name is, if there is one.
tool() {
  for word in $TOOLS; do
    case $word in "$1="*) echo "$FROM/${word#*=}"; return ;; esac
  done
}

# program NAME: makes standard input bin/NAME.
program() {
  cat > "$OUT/bin/$1"
  chmod 755 "$OUT/bin/$1"
}

# The flags that a program of the target is compiled and linked with, after the user's own: packages are found as /usr/local
# is by a compiler that comes with a system.
package_flags() {
  for packages in $PACKAGES; do printf " '-idirafter' '%s/include'" "$packages"; done
}
link_flags() {
  for packages in $PACKAGES; do printf " '-L%s/lib'" "$packages"; done
}

# compiler FLAGS: writes bin/cc. Flags of links are for links alone: clang warns of them elsewhere. Libraries follow the
# objects, for a linker takes of an archive what was asked for before; an object made of others (-r) takes nothing of them.
compiler() {
  program cc <<EOF
#!/bin/sh
# C compiler for $TARGET, brought by the user.
link=1 libraries=1 mode=$MODE
for arg do
  shift
  case \$arg in
    -c | -S | -E | -M | -MM | -fsyntax-only | -v | --version | -dump* | -print* | --print* | --help*) link= libraries= ;;
    -r) mode= libraries= ;;
    -shared | -static-pie) mode= ;;
    -pie) [ -z "\$mode" ] || { mode=-static-pie; continue; } ;;
  esac
  set -- "\$@" "\$arg"
done
[ -z "\$link" ] || set -- \$mode $LDFLAGS "\$@"$(link_flags)
[ -z "\$libraries" ] || set -- "\$@" $LDLIBS
${libraries}exec $FROM/$CC $1 $CFLAGS "\$@"$(package_flags)
EOF
  ln -sf cc "$OUT/bin/gcc"
}

# Scripts around the programs that are brought; what is not brought is done by the compiler, or by clang's kin in zig.
tools() {
  for word in $TOOLS; do
    name=${word%%=*}
    program "$name" <<EOF
#!/bin/sh
${libraries}exec $FROM/${word#*=} "\$@"
EOF
  done
  sed "s|@PREFIX@|$PREFIX|g; s|@TRIPLE@|$TARGET|g" "$HERE/bin/cpp" | program cpp
  [ -n "$(tool as)" ] || assembler
  for name in ar ranlib; do
    [ -n "$(tool $name)" ] || printf '#!/bin/sh\nexec %s %s "$@"\n' $ZIG $name | program $name
  done
  [ -n "$(tool ld)" ] || linker
  if [ -n "$ELF" ]; then
    for name in nm strip; do [ -n "$(tool $name)" ] || host_program $name; done
  fi
}

# as: GNU as's arguments, as a compiler takes them.
assembler() {
  if [ -n "$ASM" ]; then
    printf '#!/bin/sh\n%sexec %s %s "$@"\n' "$libraries" "$FROM/$ASM" "$ASMFLAGS" | program asm
  else
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$PREFIX/bin/cc" "$ASMFLAGS" | program asm
  fi
  sed "s|@ZIG@ clang --config=@PREFIX@/lib/cc.cfg|$PREFIX/bin/asm|; s|@ZIG@ clang|$PREFIX/bin/cc|; s|@TRIPLE@|$TARGET|" "$HERE/bin/as-any" | program as
}

# The linker that the compiler itself runs, if it says so; else lld, told which objects are linked.
linker() {
  found=$("$OUT/bin/cc" -print-prog-name=ld 2>/dev/null || :)
  case $found in
    /*) [ ! -x "$found" ] || { printf '#!/bin/sh\n%sexec %s "$@"\n' "$libraries" "$found" | program ld; return; } ;;
  esac
  [ -n "$ELF" ] || return 0
  emulation=$(awk -v cpu="${TARGET%%-*}" '$1 == cpu { print $7 }' "$HERE/arches.txt")
  [ -n "$emulation" ] || die "no row for ${TARGET%%-*} in arches.txt"
  printf '#!/bin/sh\nexec %s ld.lld -m %s "$@"\n' $ZIG "$emulation" | program ld
}

# host_program NAME: tools/NAME.c as a static program for the machine this runs on (tools.sh has the same).
host_program() {
  host=$("$ZIG" clang -dumpmachine)
  case $host in x86_64-*) emul=elf_x86_64 ;; aarch64-*) emul=aarch64linux ;; *) die "tools/rt.h knows no system calls of $host" ;; esac
  "$ZIG" clang --target="${host%%-*}-linux-none" -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -nostdlib -resource-dir "$ZLIB" \
    -c "$HERE/tools/$1.c" -o "$TMP/$1.o"
  "$ZIG" ld.lld -m "$emul" -static -s "$TMP/$1.o" -o "$OUT/bin/$1"
}

# compiles, links: a program that uses a header and a library. What goes wrong is what the compiler says.
compiles() { "$OUT/bin/cc" -c "$TMP/check.c" -o "$TMP/check.o"; }
links() { "$OUT/bin/cc" "$TMP/check.o" -o "$TMP/program" -lm; }

mkdir -p "$TMP" "$OUT/bin" "$OUT/lib/check"
printf '#include <stdio.h>\n#include <math.h>\nint main(int argc, char **argv)\n{\n  return printf("%%s %%d\\n", argv[0], (int) cos(argc)) < 0;\n}\n' > "$TMP/check.c"
[ -x "$FROM/$CC" ] || die "$CC is no program"
compiler "${SYSROOT:+--sysroot=$FROM/$SYSROOT}"
if [ -z "$SYSROOT" ] && ! { compiles && links; } > "$TMP/log" 2>&1; then
  # A compiler that takes / for its sysroot follows /usr/... in its linker scripts: to here.
  compiler "--sysroot=$FROM"
  { compiles && links; } > "$TMP/again" 2>&1 || compiler ""
fi
compiles || die "it cannot compile a program that includes stdio.h"
links || die "it cannot link a program"
# Objects of two C libraries do not go together, even where they link.
libc_macro() {
  case $LIBC in
    glibc) echo '__GLIBC__' ;;
    musl) echo '!__GLIBC__ \&\& !__ANDROID__ \&\& __linux__' ;;
    mingw) echo '__MINGW32__' ;;
    darwin) echo '__APPLE__' ;;
    freebsd) echo '__FreeBSD__' ;;
    bionic) echo '__ANDROID__' ;;
  esac
}
printf '#include <stdio.h>\n#define BACTRIAN_RIGHT (%s)\n#if !BACTRIAN_RIGHT\n#error\n#endif\n' "$(libc_macro | sed 's/\\//g')" > "$TMP/libc.c"
"$OUT/bin/cc" -c "$TMP/libc.c" -o "$TMP/libc.o" 2> "$TMP/log" || die "its C library is not that of $TARGET ($LIBC)"
tools
"$OUT/bin/cc" -S "$TMP/check.c" -o "$TMP/check.s" || die "it cannot compile to assembly"
# What is not at its place yet.
for name in as asm; do [ ! -e "$OUT/bin/$name" ] || sed "s|$PREFIX/bin|$TMP|g" "$OUT/bin/$name" > "$TMP/$name"; done
cp "$OUT/bin/cc" "$TMP/cc"
chmod 755 "$TMP"/cc "$TMP"/as*
"$TMP/as" -o "$TMP/assembled.o" "$TMP/check.s" || die "its assembler does not assemble what it makes"
cp "$TMP/program" "$OUT/lib/check/program" 2>/dev/null || cp "$TMP/program.exe" "$OUT/lib/check/program"
rm -rf "$TMP"
