# musl: libc.a and the start files, compiled straight from zig's copy of the sources. Sourced by sysroot.sh.

# One line per source of libc: those of src/, where a CPU's own file src/DIR/CPU/x replaces src/DIR/x (musl's own rule).
musl_sources() {
  { find src -name '*.[csS]'; [ "$TIME32" = n ] || find compat -name '*.c'; } | sort | awk -F/ -v arch="$MUSLARCH" '
    { dir = $(NF-1); name = $NF; sub(/\.[csS]$/, "", name) }
    NF == 4 && dir == arch { print; own[$2 "/" name] = 1; next }
    NF == 4 && dir != "mallocng" && $1 == "src" { next }
    { common[++n] = $0; key[n] = $2 "/" name }
    END { for (i = 1; i <= n; i++) if (!(key[i] in own)) print common[i] }'
}

libc() {
  headers any-linux-any "$FAMILY-linux-any" generic-musl "$HDR-linux-musl"
  cp -R "$ZLIB/libc/musl" "$TMP/musl"
  chmod -R u+w "$TMP/musl"
  cd "$TMP/musl"
  musl_sources | sort > "$TMP/sources"
  grep '\.c$' "$TMP/sources" > "$TMP/sources.c"
  FLAGS="--target=$TRIPLE $CPUFLAGS -g0 -nostdinc -isystem $ZLIB/include -std=c99 -ffreestanding -fexcess-precision=standard
    -frounding-math -ffp-contract=off -fno-strict-aliasing -Wa,--noexecstack -D_XOPEN_SOURCE=700 -DNDEBUG
    -Iarch/$MUSLARCH -Iarch/generic -Isrc/include -Isrc/internal -Iinclude
    -I$ZLIB/libc/include/$HDR-linux-musl -I$ZLIB/libc/include/generic-musl
    -Os -fomit-frame-pointer -fno-stack-protector -fno-builtin -ffunction-sections -fdata-sections -fasynchronous-unwind-tables -w"
  runtime & runtime_pid=$!
  zig_object c.zig "$TMP/zigc.o" -fPIE -lc & zigc_pid=$!
  musl_assembly & assembly_pid=$!
  # position independent, so that one libc.a serves both plain static programs and static-pie
  # shellcheck disable=SC2086
  compile_all "$TMP/sources.c" $FLAGS -fPIE
  for pid in $runtime_pid $zigc_pid $assembly_pid; do wait "$pid" || die "a part of musl did not compile"; done
  # shellcheck disable=SC2046
  archive "$OUT/lib/libc.a" $(sed 's/\.[csS]$/.o/' "$TMP/sources") "$TMP/zigc.o"
  [ "$("$ZIG" ar t "$OUT/lib/libc.a" | wc -l)" -eq $(($(wc -l < "$TMP/sources") + 1)) ] || die "libc.a lost members"
  for name in m pthread rt dl util resolv crypt xnet; do printf '!<arch>\n' > "$OUT/lib/lib$name.a"; done
  musl_shared
}

musl_assembly() {
  # shellcheck disable=SC2086
  for name in crt1 Scrt1 rcrt1; do
    pic=-fPIC; [ $name != crt1 ] || pic=-fPIE
    "$ZIG" clang $FLAGS $pic -DCRT -c crt/$name.c -o "$OUT/lib/$name.o" || return 1
  done
  grep -v '\.c$' "$TMP/sources" > "$TMP/sources.s" || :
  # shellcheck disable=SC2086
  while read -r file; do
    "$ZIG" clang $FLAGS -fPIE -c "$file" -o "${file%.?}.o" || return 1
  done < "$TMP/sources.s"
}

# libc.so, a table of names to link shared objects against. Programs are static; this is never run.
musl_shared() {
  defs="-DARCH_$MUSLARCH -DFAMILY_$FAMILY"
  case $CPU in *64* | s390x) defs="$defs -DPTR64" ;; esac
  [ "$TIME32" = n ] || defs="$defs -DTIME32"
  # shellcheck disable=SC2086
  "$ZIG" clang --target="$TRIPLE" $CPUFLAGS -fPIC $defs -c "$ZLIB/libc/musl/libc.S" -o "$TMP/libc.so.o"
  "$ZIG" ld.lld -m "$EMUL" -shared -soname libc.so -s -o "$OUT/lib/libc.so" "$TMP/libc.so.o"
}
