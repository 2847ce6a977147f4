#!/bin/sh
# An OCaml cross compiler for a Windows TARGET: what cross.sh does, and where Windows differs.
#
# in, out: as cross.sh
#
# OCaml's own port to mingw-w64 links everything through flexlink, which makes programs able to load DLLs that were
# linked by it. Programs made here are static and load nothing: a script stands for flexlink (./flexlink), and the
# runtime is told that it has no dynamic loading. What is lost is Dynlink for native code and .cmxs.

recipes=$(dirname "$0")
# The functions of cross.sh now, the sequence at its end when those below have replaced some.
sed '/^copy_sources$/,$d' "$recipes/cross.sh" >/tmp/functions.sh
sed -n '/^copy_sources$/,$p' "$recipes/cross.sh" >/tmp/sequence.sh
. /tmp/functions.sh

# flexdll.h as far as configure asks for it; nothing calls these.
stand_ins() {
  mkdir -p /tmp/flexdll
  sed "s|@CC@|$cc/cc|" "$recipes/flexlink" >/tmp/flexdll/flexlink
  chmod 755 /tmp/flexdll/flexlink
  cat >/tmp/flexdll/flexdll.h <<'EOF'
void *flexdll_dlopen(const char *, int);
void *flexdll_wdlopen(const wchar_t *, int);
void *flexdll_dlsym(void *, const char *);
void flexdll_dlclose(void *);
char *flexdll_dlerror(void);
EOF
  # configure asks Cygwin for the names of directories.
  printf '#!/bin/sh\nfor last do :; done\necho "$last"\n' >/tmp/flexdll/cygpath
  chmod 755 /tmp/flexdll/cygpath
}

configure_target() {
  stand_ins
  # configure refuses a mingw compiler that is not gcc; what it then decides for gcc holds for clang.
  PATH=/tmp/flexdll:$PATH ./configure -q --prefix="$prefix" \
    --build=x86_64-bactrian-linux-gnu --host="$TRIPLE" --target="$TRIPLE" \
    --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger --enable-shared \
    --disable-debug-runtime --disable-instrumented-runtime --without-zstd \
    CC="$cc/cc" AR="$cc/ar" RANLIB="$cc/ranlib" AS="$cc/as" LD="$cc/ld" NM=false DLLTOOL="$cc/dlltool" \
    STRIP=true OBJDUMP=false PARTIALLD="$cc/ld -r" CC_FOR_BUILD=$host_cc/cc \
    CPPFLAGS=-I/tmp/flexdll CFLAGS=-Wno-incompatible-pointer-types ocaml_cv_cc_vendor2=mingw-13-0-gcc-12-2
  # 5.3 tells of the system that it runs on itself.
  sed -i 's/Sys\.os_type/"Win32"/' utils/config.common.ml
  # What runs the compilers, not what runs their output.
  sed -i 's/^let host = .*/let host = {|x86_64-pc-linux-gnu|}/' utils/config.generated.ml
  nothing_is_loaded
  middle_end
}

# `Sys.win32` and its like are constants by closure conversion. 5.3's looks for them at the system that it runs on itself,
# 5.4's at Config: of the host's objects, 5.3's unit and what inlines it are compiled again. (The conversion of flambda, which
# asks in the same way, is in the compiler and never runs: the host's Config has none.)
middle_end() {
  if grep -q target_os_type middle_end/closure/closure.ml; then return; fi
  mkdir /tmp/front
  cp $front/* /tmp/front/
  chmod u+w /tmp/front/*
  front=/tmp/front
  cp middle_end/closure/closure.ml* middle_end/closure/closure_middle_end.ml* $front/
  sed -i 's/Sys\.os_type/"Win32"/' $front/closure.ml
  (cd $front && $host_cc/ar x ocamlmiddleend.a &&
    $host_prefix/bin/ocamlopt -strict-sequence -strict-formats -absname -w -a -c closure.ml closure_middle_end.ml &&
    $host_prefix/bin/ocamlopt -a -o ocamlmiddleend.cmxa $(cat ocamlmiddleend.units))
}

nothing_is_loaded() {
  sed -i 's/^#define SUPPORT_DYNAMIC_LINKING.*//' runtime/caml/s.h
  set_make_variable Makefile.config SUPPORTS_SHARED_LIBRARIES false
  set_make_variable Makefile.config NATDYNLINK false
  sed -i -e 's/^let supports_shared_libraries = .*/let supports_shared_libraries = false/' \
    -e 's/^let native_dynlink = .*/let native_dynlink = false/' utils/config.generated.ml
  sed -i -e "s|flexlink -|$prefix/bin/flexlink -|g" -e 's| -I/tmp/flexdll||g' \
    utils/config.generated.ml Makefile.config Makefile.build_config
}

# The build machine's generator, also under the name that it has on Windows, where 5.3 looks for it. There its texts are wide
# ones, which 5.3 has to be helped to.
runtime() {
  cp $host_objects/bin/sak runtime/sak
  cp $host_objects/bin/sak runtime/sak.exe
  mk -o runtime/sak.exe runtime/build_config.h
  sed -i 's/^\(#define OCAML_STDLIB_DIR\) "/\1 L"/' runtime/build_config.h
  settle runtime/build_config.h
  mk -o runtime/build_config.h -o runtime/sak.exe runtime/libasmrun.a runtime/libcamlrun.a runtime/libcomprmarsh.a runtime/ld.conf
}

# Of all libraries' byte code, that of unix alone is not the host's: its interface is the same, its functions are not.
unix_byte_code() {
  settle otherlibs/unix
  make -s -C otherlibs/unix CAMLC="$host_prefix/bin/ocamlc -nostdlib -I $host_lib" \
    COMPFLAGS='-absname -w -a -g -nolabels' unix.cmo unixLabels.cmo
  $host_prefix/bin/ocamlc -a -noautolink -linkall -custom -cclib -lunixbyt -cclib -lws2_32 -cclib -ladvapi32 \
    -o $out/lib/ocaml/unix/unix.cma otherlibs/unix/unix.cmo otherlibs/unix/unixLabels.cmo
}

. /tmp/sequence.sh
unix_byte_code
cp /tmp/flexdll/flexlink $out/bin/flexlink
