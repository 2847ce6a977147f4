# macOS: zig's headers and the list of libSystem's names. libSystem is the C library and the compiler's run-time library alike, but
# for what it lacks of that on arm64 (tools/darwin-rt.c), and there is no static linking. Sourced by sysroot.sh.
#
# Frameworks need Apple's own SDK. If SDK names the place of one, programs are compiled and linked against that; the action itself
# does not read it.

libc() {
  headers any-darwin-any
  cp "$ZLIB/libc/darwin/SDKSettings.json" "$OUT/"
  # zig lists arm64e (Apple's own programs) for what every arm64 program may use
  sed 's/arm64e-macos/arm64-macos, arm64e-macos/g' "$ZLIB/libc/darwin/libSystem.tbd" > "$OUT/lib/libSystem.tbd"
  for name in System.B c m pthread dl util resolv.9 gcc_s.1; do ln -s libSystem.tbd "$OUT/lib/lib$name.tbd"; done
  mkdir "$OUT/usr"
  ln -s ../include "$OUT/usr/include"
  ln -s ../lib "$OUT/usr/lib"
  # what zig's own Mach-O linker reads (lld's is not in the executable); it wants to see a standard library, not to use it
  mkdir -p "$OUT/lib/zig/libc/darwin" "$OUT/lib/zig/std"
  cp "$OUT/lib/libSystem.tbd" "$OUT/lib/zig/libc/darwin/"
  cp "$ZLIB/libc/darwin/SDKSettings.json" "$OUT/lib/zig/libc/darwin/"
  : > "$OUT/lib/zig/std/std.zig"
  chmod -R go+r,u+w "$OUT/SDKSettings.json" "$OUT/lib"
  [ "$CPU" != aarch64 ] || missing_of_runtime
}

missing_of_runtime() {
  "$ZIG" clang --target="$TRIPLE" -O2 -g0 -c "$HERE/tools/darwin-rt.c" -o "$TMP/darwin-rt.o"
  archive "$OUT/lib/libdarwin-rt.a" "$TMP/darwin-rt.o"
}

darwin_config() {
  echo "-Wno-overriding-deployment-version"
  echo "-B$PREFIX/bin" # for dsymutil
  [ -z "${SDK:-}" ] || printf '%s\n' "-isysroot $SDK" "-F$SDK/System/Library/Frameworks" "-L$SDK/usr/lib"
}
