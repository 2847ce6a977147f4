# Configures OCaml's sources for TARGET; sourced by cross.sh and check-answers.sh.
: "${TARGET:?a name of /opt/cc}" "${TRIPLE:?its name for configure}"

prefix=/opt/cross/$TARGET
cc=/opt/cc/$TARGET/bin

configure_target() {
  # The odd --build keeps configure in cross mode even when target and host are alike:
  # no program of the target is ever run. --host, because 5.3 knows no cross compilers
  # and 5.4 then asks for nothing but CC_FOR_BUILD.
  ./configure -q --cache-file="$(pin_answers "$TARGET" "$cc/cc")" --prefix="$prefix" \
    --build=x86_64-bactrian-linux-gnu --host="$TRIPLE" --target="$TRIPLE" \
    --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger \
    --disable-debug-runtime --disable-instrumented-runtime --without-zstd --disable-shared \
    CC="$cc/cc" AR="$cc/ar" RANLIB="$cc/ranlib" AS="$cc/as" LD="$cc/ld" NM="$cc/nm" \
    STRIP=true OBJDUMP=false PARTIALLD="$cc/ld -r" CC_FOR_BUILD=$host_cc/cc
  # What runs the compilers, not what runs their output.
  sed -i 's/^let host = .*/let host = {|x86_64-pc-linux-gnu|}/' utils/config.generated.ml
}
