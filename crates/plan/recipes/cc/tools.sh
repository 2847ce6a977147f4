# The programs of bin/. Sourced by sysroot.sh. Each is a few lines of sh around a tool that is inside the zig executable.

# wrapper NAME: makes standard input, with @PREFIX@ and the like filled in, a program.
wrapper() {
  sed "s|@PREFIX@|$PREFIX|g; s|@ZIG@|/opt/zig/zig|g; s|@EMUL@|$EMUL|g; s|@TRIPLE@|$TRIPLE|g; s|@ZIGTARGET@|$ZIGTARGET|g" > "$OUT/bin/$1"
  chmod 755 "$OUT/bin/$1"
}

tools() {
  config
  case $LIBC in musl) wrapper cc < "$HERE/bin/cc-static" ;; *) wrapper cc < "$HERE/bin/cc-dynamic" ;; esac
  case $LIBC in windows | darwin) wrapper ld < "$HERE/bin/ld-$LIBC" ;; *) wrapper ld < "$HERE/bin/ld" ;; esac
  for tool in cpp as-any ar ranlib; do wrapper "$tool" < "$HERE/bin/$tool"; done
  ln -s cc "$OUT/bin/gcc"
  assembler
  case $LIBC in musl | glibc | freebsd) for tool in nm strip; do host_program $tool; done ;; esac # they read ELF only
  [ "$LIBC" != darwin ] || wrapper dsymutil < "$HERE/bin/dsymutil"
  [ "$LIBC" != windows ] || wrapper dlltool < "$HERE/bin/dlltool"
}

# The assembler's program, with what clang's driver says to the assembler proper but for what depends on the call.
assembler() {
  : > "$TMP/none.s"
  "$ZIG" clang --config="$OUT/lib/cc.cfg" -### -c -x assembler "$TMP/none.s" -o "$TMP/none.o" 2>&1 |
    sed -n 's/^ *"[^"]*" "-cc1as"/"-cc1as"/p' |
    sed 's/ "-main-file-name" "[^"]*"//; s/ "-fdebug-compilation-dir=[^"]*"//; s/ "-o" .*//; s/" "/",\n"/g' > "$TMP/as-args.h"
  [ -s "$TMP/as-args.h" ] || die "clang did not say how it assembles"
  host_program as -I"$TMP" "-DZIG=\"/opt/zig/zig\"" "-DANY=\"$PREFIX/bin/as-any\""
}

# host_program NAME FLAG...: tools/NAME.c as a static program for the machine this runs on, which is the one zig itself is for.
host_program() {
  program=$1; shift
  host=$("$ZIG" clang -dumpmachine)
  case $host in x86_64-*) emul=elf_x86_64 ;; aarch64-*) emul=aarch64linux ;; *) die "tools/rt.h knows no system calls of $host" ;; esac
  "$ZIG" clang --target="${host%%-*}-linux-none" -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -nostdlib -resource-dir "$ZLIB" \
    "$@" -c "$HERE/tools/$program.c" -o "$TMP/$program.o"
  "$ZIG" ld.lld -m "$emul" -static -s "$TMP/$program.o" -o "$OUT/bin/$program"
}

# What clang has to be told. A file and not arguments, so that it never causes a warning about an unused one.
config() {
  {
    echo "--target=$TRIPLE"
    [ -z "$CPUFLAGS" ] || echo "$CPUFLAGS"
    echo "--sysroot=$PREFIX"
    echo "-resource-dir=/opt/zig/lib"
    [ "$LIBC" = darwin ] || echo "--rtlib=libgcc"
    echo "--ld-path=$PREFIX/bin/ld"
    # Where packages of this target are installed, as /usr/local is for compilers that come with a system.
    for packages in ${PACKAGES:-}; do
      echo "-idirafter $packages/include"
      echo "-L$packages/lib"
    done
    echo "-fasynchronous-unwind-tables" # clang's default but for a few CPUs
    case $LIBC in
      musl) echo "-fno-pie" ;;
      glibc) echo "-fPIC -no-pie" ;;
      *) "${LIBC}_config" ;;
    esac
  } > "$OUT/lib/cc.cfg"
}
