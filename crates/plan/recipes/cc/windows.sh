# mingw-w64 with the Universal C Runtime, compiled straight from zig's copy of the sources. Sourced by sysroot.sh.

# What zig leaves out of its own library for x86_64 (it reads these for other CPUs), and the two start files.
WINDOWS_NOT_LIBC='crt/crtdll.c crt/crtexe.c libsrc/dxerr.c math/arm-common/ldexpl.c math/powf.c math/sinhf.c math/x86/asinf.c math/x86/atan2f.c misc/ftw.c'

libc() {
  headers any-windows-any
  cp -R "$ZLIB/libc/mingw" "$TMP/mingw"
  chmod -R u+w "$TMP/mingw"
  cd "$TMP/mingw"
  FLAGS="--target=$TRIPLE $CPUFLAGS -g0 -nostdinc -isystem $ZLIB/include -isystem $ZLIB/libc/include/any-windows-any -std=gnu11
    -D__USE_MINGW_ANSI_STDIO=0 -DNDEBUG -O2 -fno-stack-protector -ffunction-sections -fdata-sections -fasynchronous-unwind-tables -w"
  CRTFLAGS="-D__MSVCRT_VERSION__=0x700 -D_CRTBLD -D_SYSCRT=1 -D_WIN32_WINNT=0x0f00 -DCRTDLL=1 -DHAVE_CONFIG_H -Iinclude"
  find . -name '*.[csS]' | sed 's|^\./||' | sort > "$TMP/all"
  for file in $WINDOWS_NOT_LIBC; do echo "$file"; done | grep -vxF -f - "$TMP/all" > "$TMP/sources"
  grep '^winpthreads/.*\.c$' "$TMP/sources" > "$TMP/threads.c"
  grep '\.c$' "$TMP/sources" | grep -v '^winpthreads/' > "$TMP/sources.c"
  runtime & runtime_pid=$!
  zig_object c.zig "$TMP/zigc.o" -lc & zigc_pid=$!
  windows_imports & imports_pid=$!
  # shellcheck disable=SC2086
  {
    compile_all "$TMP/sources.c" $FLAGS $CRTFLAGS
    compile_all "$TMP/threads.c" $FLAGS -DIN_WINPTHREAD
    grep -v '\.c$' "$TMP/sources" > "$TMP/sources.s"
    while read -r file; do "$ZIG" clang $FLAGS $CRTFLAGS -c "$file" -o "${file%.?}.o"; done < "$TMP/sources.s"
    "$ZIG" clang $FLAGS $CRTFLAGS -fno-function-sections -c crt/crtexe.c -o "$OUT/lib/crt2.o"
    # For wmain (-municode).
    "$ZIG" clang $FLAGS $CRTFLAGS -DUNICODE -D_UNICODE -fno-function-sections -c crt/crtexe.c -o "$OUT/lib/crt2u.o"
    "$ZIG" clang $FLAGS $CRTFLAGS -fno-function-sections -c crt/crtdll.c -o "$OUT/lib/dllcrt2.o"
  }
  for pid in $runtime_pid $zigc_pid $imports_pid; do wait "$pid" || die "a part of mingw-w64 did not compile"; done
  # shellcheck disable=SC2046
  archive "$OUT/lib/libmingw32.a" $(sed 's/\.[csS]$/.o/' "$TMP/sources") "$TMP/zigc.o"
  for name in mingwex moldname m pthread winpthread uuid; do printf '!<arch>\n' > "$OUT/lib/lib$name.a"; done
  host_program coff-r
  rm "$OUT/lib/libgcc_s.so" # lld-link knows no linker scripts
  cp "$OUT/lib/libgcc_eh.a" "$OUT/lib/libgcc_s.a"
}

# Import libraries from the .def files: the C runtime's, together, as libucrt.a and libmsvcrt.a, and those of windows-libs.txt.
windows_imports() {
  mkdir -p "$TMP/imports"
  for def in "$ZLIB"/libc/mingw/lib-common/api-ms-win-crt-*-l1-1-0.def*; do
    name=${def##*/}
    windows_import "${name%%.def*}" || return 1
    set -- "$@" "$TMP/imports/${name%%.def*}.lib"
  done
  "$ZIG" ar qcsL "$OUT/lib/libucrt.a" "$@"
  cp "$OUT/lib/libucrt.a" "$OUT/lib/libmsvcrt.a"
  grep -v '^#' "$HERE/windows-libs.txt" > "$TMP/imports/list"
  while read -r name; do
    windows_import "$name" && cp "$TMP/imports/$name.lib" "$OUT/lib/lib$name.a" || return 1
  done < "$TMP/imports/list"
  cp "$OUT/lib/libapi-ms-win-core-synch-l1-2-0.a" "$OUT/lib/libsynchronization.a"
}

# windows_import NAME: the import library of NAME.dll as $TMP/imports/NAME.lib.
# Some .def files name 32-bit stdcall functions (WSAStartup@8): 64-bit code has one calling convention and plain names.
windows_import() {
  def=$ZLIB/libc/mingw/lib-common/$1.def
  if [ -e "$def" ]; then cp "$def" "$TMP/imports/$1.full"; else
    "$ZIG" clang --target="$TRIPLE" -E -P -undef -w -D__x86_64__ -DDEF_X64 -I"$ZLIB/libc/mingw/def-include" -x c "$def.in" > "$TMP/imports/$1.full" || return 1
  fi
  sed -E 's/^([A-Za-z_][A-Za-z0-9_]*)@[0-9]+( |$)/\1\2/' "$TMP/imports/$1.full" > "$TMP/imports/$1.def"
  "$ZIG" dlltool -m i386:x86-64 -d "$TMP/imports/$1.def" -l "$TMP/imports/$1.lib"
}

windows_config() {
  echo "-D__MSVCRT_VERSION__=0xE00 -D_WIN32_WINNT=0x0a00 -D__CRT__NO_INLINE"
}
