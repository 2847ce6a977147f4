#!/bin/sh
# Makes the C toolchain of one target: /opt/cc/$TARGET, out of zig's bundled sources.
#
# Runs once per target in a sealed root. In: TARGET (zig's name of it), /opt/zig (see zig-files.txt), this directory.
# Out: $OUT, laid out for /opt/cc/$TARGET: bin/ (tools), include/, lib/. Scratch: $TMP.
# The result is an ordinary sysroot: nothing of zig's compilation cache is in it, and using it writes none.
# The output depends on TARGET and the inputs alone; JOBS changes only the time it takes.
set -eu
LC_ALL=C; export LC_ALL
umask 022

OUT=${OUT:-/out}
TMP=${TMP:-/tmp}/cc-$$
ZIGDIR=${ZIGDIR:-/opt/zig}
JOBS=${JOBS:-$(nproc)}
HERE=$(cd "$(dirname "$0")" && pwd)
PREFIX=/opt/cc/$TARGET
ZIG=$ZIGDIR/zig
ZLIB=$ZIGDIR/lib

die() { echo "sysroot: $*" >&2; exit 1; }

# Splits TARGET (cpu-os-abi[.glibc floor]) and reads the CPU's row of arches.txt.
read_target() {
  CPU=${TARGET%%-*} GLIBC=
  case $TARGET in
    *-linux-musl*) LIBC=musl ABI=${TARGET#*-linux-} ;;
    *-linux-gnu*.*) LIBC=glibc ABI=${TARGET#*-linux-}; GLIBC=${ABI#*.}; ABI=${ABI%%.*} ;;
    *-linux-gnu*) die "$TARGET: name the oldest glibc to support, as in $TARGET.2.28" ;;
    x86_64-windows-gnu) LIBC=windows ABI=gnu ;;
    x86_64-freebsd) LIBC=freebsd ABI=none ;;
    x86_64-macos | aarch64-macos) LIBC=darwin ABI=none ;;
    *) die "$TARGET: this recipe makes linux targets with musl or glibc, x86_64-windows-gnu, x86_64-freebsd and macos" ;;
  esac
  row=$(awk -v cpu="$CPU" '$1 == cpu' "$HERE/arches.txt")
  [ -n "$row" ] || die "$TARGET: no row for $CPU in arches.txt"
  # shellcheck disable=SC2086
  set -- $row
  ZIGCPU=$2 MUSLARCH=$3 HDR=$4 FAMILY=$5 EMUL=$7 TIME32=$8
  case $LIBC in
    windows) TRIPLE=$6-w64-mingw32 ZIGTARGET=$ZIGCPU-windows-gnu ;;
    freebsd) TRIPLE=$6-unknown-freebsd14 ZIGTARGET=$ZIGCPU-freebsd ;;
    darwin) TRIPLE=$6-apple-macos13 ZIGTARGET=$ZIGCPU-macos ;;
    *) TRIPLE=$6-linux-$ABI ZIGTARGET=$ZIGCPU-linux-$ABI${GLIBC:+.$GLIBC} ;;
  esac
  CPUFLAGS=$(echo "$9" | tr ',' ' ')
  [ "$CPUFLAGS" != - ] || CPUFLAGS=
  [ "$LIBC" != darwin ] || TRIPLE=$(echo "$TRIPLE" | sed s/^aarch64/arm64/)
}

# headers DIR...: merges zig's header directories; the last that has a file wins. (On zig's search path the first does:
# the order here is its reverse.)
headers() {
  mkdir -p "$OUT/include"
  for dir; do cp -Rf "$ZLIB/libc/include/$dir/." "$OUT/include/"; done
  chmod -R u+w,go+r,-x+X "$OUT/include"
}

# cc1_args SOURCE FLAG...: the arguments of the compiler proper that the driver would use, without input and output.
cc1_args() {
  source=$1; shift
  "$ZIG" clang "$@" -### -c "$source" -o x.o 2>&1 |
    sed -n 's/^ *"[^"]*" "-cc1"/-cc1/p' | sed 's/ "-o" .*//; s/ "-main-file-name" "[^"]*"//; s/"//g'
}

# compile_batch LIST N: the files of every BATCHES-th line, from line N.
compile_batch() {
  # shellcheck disable=SC2046,SC2086
  "$ZIG" clang $CC1 -x c $(awk -v n=$BATCHES -v b="$2" 'NR % n == b' "$1")
}

# compile_all LIST FLAG...: makes x.o beside each x.c that LIST names, relative to the working directory.
#
# zig starts one compiler per file and spends most of its minute on that. Here a few processes translate many files each:
# `clang -cc1` takes several inputs. The objects are the same, byte for byte, as those of one process per file.
BATCHES=8 # fixed, whatever JOBS is: the output must not depend on the machine
compile_all() {
  list=$1; shift
  CC1=$(cc1_args "$(head -1 "$list")" "$@")
  [ -n "$CC1" ] || die "clang did not say how it compiles"
  n=0 workers=
  while [ "$n" -lt "$JOBS" ]; do
    (batch=$n; while [ "$batch" -lt $BATCHES ]; do compile_batch "$list" "$batch" || exit 1; batch=$((batch + JOBS)); done) &
    workers="$workers $!" n=$((n + 1))
  done
  for pid in $workers; do wait "$pid" || die "a part of libc did not compile"; done
}

# zig_object ROOT OUT ARG...: compiles one of zig's own runtime parts the way zig does for itself. With one thread: with more,
# the order of what is in the object depends on who was first.
zig_object() {
  root=$1 object=$2; shift 2
  ZIG_GLOBAL_CACHE_DIR=$TMP/zig-cache ZIG_LOCAL_CACHE_DIR=$TMP/zig-cache \
    "$ZIG" build-obj -j1 "$ZLIB/$root" -target "$ZIGTARGET" -mcpu baseline -O ReleaseFast -fstrip -ffunction-sections -fdata-sections \
    -fno-builtin -fno-stack-check -fno-stack-protector -fno-compiler-rt -fno-ubsan-rt "-femit-bin=$object" "$@"
}

# archive FILE OBJECT...: deterministic by llvm-ar's default (no times, owners or modes).
archive() { rm -f "$1"; "$ZIG" ar rcs "$@"; }

# harvest FILE...: has zig link a small program, and takes these files from its cache to lib/. Of glibc's parts those may be
# missing that are in libc.so.6 since 2.34.
harvest() {
  cache=$TMP/zig-libc
  echo 'int main(void) { return 0; }' > "$TMP/main.c"
  # shellcheck disable=SC2086
  "$ZIG" clang --target="$TRIPLE" $CPUFLAGS -c "$TMP/main.c" -o "$TMP/main.o"
  (cd "$TMP" && ZIG_GLOBAL_CACHE_DIR=$cache ZIG_LOCAL_CACHE_DIR=$cache \
    "$ZIG" build-exe main.o -lc -target "$ZIGTARGET" -mcpu baseline -fstrip -fno-compiler-rt -fno-ubsan-rt -femit-bin=main)
  for name; do
    found=$(find "$cache/o" -type f -name "$name")
    case $(echo "$found" | wc -w):$name in
      1:*) cp "$found" "$OUT/lib/$name"; chmod 644 "$OUT/lib/$name" ;;
      0:libpthread* | 0:libdl* | 0:librt* | 0:libutil* | 0:libresolv*) [ "$LIBC" = glibc ] || die "zig made no $name" ;;
      *) die "zig made no single $name" ;;
    esac
  done
}

# The compiler's run-time support, under gcc's names: clang is told to link "libgcc".
runtime() {
  zig_object compiler_rt.zig "$TMP/compiler_rt.o" -fPIC
  parts=$TMP/compiler_rt.o
  case $CPU-$LIBC in powerpc64le-glibc) ibm_long_double; parts="$parts $TMP/ibm-long-double.o" ;; esac
  # shellcheck disable=SC2086
  archive "$OUT/lib/libgcc.a" $parts
  unwind
  printf '/* the unwinder is linked statically */\nINPUT(libgcc_eh.a)\n' > "$OUT/lib/libgcc_s.so"
  printf '!<arch>\n' > "$OUT/lib/libatomic.a" # its functions are in libgcc.a
  # start files that exist to be asked for: constructors run from .init_array, and lld defines __dso_handle
  : > "$TMP/empty.c"
  "$ZIG" clang --target="$TRIPLE" $CPUFLAGS -fPIC -c "$TMP/empty.c" -o "$TMP/empty.o"
  for name in crti crtn crtbegin crtbeginS crtbeginT crtend crtendS; do cp "$TMP/empty.o" "$OUT/lib/$name.o"; done
}

# The part of libgcc that compiler_rt lacks for this CPU's `long double`. musl has none.
ibm_long_double() {
  # shellcheck disable=SC2086
  "$ZIG" clang --target="$TRIPLE" -resource-dir "$ZLIB" $CPUFLAGS -O2 -ffreestanding -ffp-contract=off -fPIC -ffunction-sections \
    -c "$HERE/ibm-long-double.c" -o "$TMP/ibm-long-double.o"
}

# libunwind as libgcc_eh.a. Only needs the C headers, so it comes after them.
unwind() {
  src=$ZLIB/libunwind
  flags="--target=$TRIPLE --sysroot=$OUT -resource-dir=$ZLIB $CPUFLAGS -I$src/include -D_LIBUNWIND_IS_NATIVE_ONLY -D_LIBUNWIND_HIDE_SYMBOLS
    -DNDEBUG -O2 -fPIC -g0 -fstrict-aliasing -fasynchronous-unwind-tables -w -ffile-prefix-map=$src=libunwind"
  mkdir -p "$TMP/unwind"
  for file in libunwind.cpp Unwind-EHABI.cpp Unwind-seh.cpp UnwindLevel1.c UnwindLevel1-gcc-ext.c gcc_personality_v0.c UnwindRegistersRestore.S UnwindRegistersSave.S; do
    case $file in
      *.cpp) more="-std=c++17 -fno-exceptions -fno-rtti -nostdinc++" ;;
      *.c) more="-std=c99 -fexceptions" ;;
      *) more= ;;
    esac
    # shellcheck disable=SC2086
    "$ZIG" clang $flags $more -c "$src/src/$file" -o "$TMP/unwind/${file%.*}.o"
  done
  archive "$OUT/lib/libgcc_eh.a" "$TMP"/unwind/*.o
}

[ -n "${TARGET:-}" ] || die "TARGET is not set"
read_target
mkdir -p "$TMP" "$OUT/bin" "$OUT/lib"
. "$HERE/tools.sh"
. "$HERE/$LIBC.sh"
libc
tools
rm -rf "$TMP"
