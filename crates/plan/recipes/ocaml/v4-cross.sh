#!/bin/sh
# A cross compiler of OCaml 4.14 for TARGET, its runtime, standard library and tools.
#
# in:  /src (sources), what v4-host.sh made for HOST, /opt/cc/$HOST, /opt/cc/$TARGET, /opt/cc/x86_64-linux-gnu.2.28,
#      OCAML_VERSION, HOST, TARGET (a name of /opt/cc), TRIPLE (what configure understands)
# out: /out, laid out for /opt/cross/$TARGET
#
# What is reused and why is said in cross.sh. HOST must have the word size of TARGET.

. "$(dirname "$0")/v4.sh"
: "${TARGET:?a name of /opt/cc}" "${TRIPLE:?its name for configure}"

host_lib=$host_prefix/lib/ocaml
back=/tmp/back                      # the target's back end, all in one directory

configure_target_4() {
  # The odd --build keeps configure in cross mode: no program of the target is ever run.
  configure_4 --prefix="$prefix" --build=x86_64-bactrian-linux-gnu --host="$TRIPLE" --target="$TRIPLE" \
    --disable-shared CC="$cc/cc" AR="$cc/ar" RANLIB="$cc/ranlib" AS="$cc/as" LD="$cc/ld" NM="$cc/nm" \
    PARTIALLD="$cc/ld -r"
  # What runs the compilers, not what runs their output.
  sed -i "s/^let host = .*/let host = \"$host_triple\"/" utils/config.ml
}

# The sources that know the target, in one directory.
gather_back_end() {
  mkdir -p $back
  cp utils/config.ml utils/config.mli $front/config.cmi tools/ocamlmklib.ml $back/
  gather_asmcomp_4 "$arch" $back
}

# link_native PROGRAM ARGUMENT...: for the host, stripped; -cc because the configured
# linker command exports all symbols (-Wl,-E, for plugins).
link_native() {
  program=$1
  shift
  $host_prefix/bin/ocamlopt -o "$program" -cc "$host_cc/cc -s" -I $front -I $back $back/config.cmx front.cmxa "$@"
}

link_compilers() {
  back_units=
  for unit in $units; do
    case $unit in config.cmx | ocamlmklib.cmx) ;; *) back_units="$back_units $back/$unit" ;; esac
  done
  link_native ocamlopt.opt -linkall ocamlmiddleend.cmxa $back_units
  link_native ocamlc.opt -linkall ocamlbytecomp.cmxa main.cmx
  link_native ocamlmklib.opt $back/ocamlmklib.cmx
  for program in ocamlopt.opt ocamlc.opt ocamlmklib.opt; do runnable $program; done
}

runtime() {
  make -s -j"$jobs" -C runtime SAK_CC=$machine_cc SAK_CFLAGS='$(OC_CPPFLAGS) -w' SAK_LINK='$(SAK_CC) -o $(1) $(2)' \
    sak ld.conf libasmrun.a libcamlrun.a
}

# The libraries' native code and stubs, by the new compiler; their interfaces from the host.
libraries() {
  cp $host_lib/*.cmi stdlib/
  settle stdlib
  make -s -j"$jobs" -C stdlib CAMLC=false OCAMLRUN=false OPTCOMPILER=../VERSION \
    CAMLOPT="$build/ocamlopt.opt" COMPFLAGS="$stdlib_flags" allopt
  for name in unix str bigarray systhreads; do
    directory=otherlibs/$name
    for interface in $directory/*.mli; do cp "$(installed_interface $name "$(basename "$interface" .mli)")" $directory/; done
    settle $directory
    make_library $name CAMLC=false CAMLOPT="$build/ocamlopt.opt $library_path" MKLIB="$build/ocamlmklib.opt" allopt
  done
  make_library systhreads CAMLC=false CAMLOPT=false MKLIB="$build/ocamlmklib.opt" libthreads.a
  native_dynlink
  cp $host_lib/profiling.cmi tools/
  (cd tools && $build/ocamlopt.opt -nostdlib -I $build/stdlib -w -a -c profiling.ml)
}
library_path='-nostdlib -I ../../stdlib -I ../unix'
installed_interface() {
  case $1 in systhreads) echo "$host_lib/threads/$2.cmi" ;; *) echo "$host_lib/$2.cmi" ;; esac
}

# Programs may link it; loading a plugin fails at run time, there being no shared libraries.
native_dynlink() {
  for file in $generated; do cp $host_objects/generated/"$(basename "$file")" "$file"; done
  make -s -j"$jobs" -C otherlibs/dynlink COMPFLAGS='-absname -w -a -g -I byte' \
    OCAMLC="$host_prefix/bin/ocamlc -nostdlib -I ../../stdlib" \
    OCAMLOPT="$build/ocamlopt.opt -nostdlib -I ../../stdlib" dynlink.cmxa
}

install_programs() {
  for tool in ocamlopt ocamlc ocamlmklib; do
    install_runnable $prefix $out $tool.opt
    ln -s $tool.opt $out/bin/$tool
  done
  for tool in ocaml ocamlrun ocamllex ocamlyacc ocamldep ocamlobjinfo ocamlprof; do
    wrapper $tool "exec $tools/$tool \"\$@\""
  done
  # These call the compiler that PATH finds.
  for tool in ocamlcp ocamloptp ocamlmktop; do wrapper $tool "PATH=$prefix/bin:\$PATH exec $tools/$tool \"\$@\""; done
}
wrapper() {
  printf '#!/bin/sh\n%s\n' "$2" >$out/bin/"$1"
  chmod 755 $out/bin/"$1"
}

install_libraries() {
  lib=$out/lib/ocaml
  install_into $lib Makefile.config runtime/ld.conf runtime/libasmrun.a runtime/libcamlrun.a \
    stdlib/stdlib.cmxa stdlib/stdlib.a stdlib/std_exit.o stdlib/*.cmx
  install_into $lib $host_lib/*.cmi $host_lib/*.mli $host_lib/stdlib.cma $host_lib/dynlink.cma \
    $host_lib/std_exit.cmo $host_lib/camlheader_ur $host_lib/profiling.cmo \
    tools/profiling.cmx tools/profiling.o
  # Byte code is run by the build machine's own runtime; that of the 32-bit compiler is no part of a root.
  printf '#!%s/ocamlrun\n' "$tools" >$lib/camlheader
  install_into $lib/caml runtime/caml/*.h runtime/caml/*.tbl otherlibs/unix/*.h otherlibs/systhreads/threads.h
  install_into $lib/threads $host_lib/threads/*.cmi $host_lib/threads/*.mli \
    otherlibs/systhreads/*.cmx otherlibs/systhreads/threads.cmxa otherlibs/systhreads/threads.a
  cp otherlibs/*/lib*.a $lib/
  for name in unix str bigarray; do cp otherlibs/$name/*.cmx otherlibs/$name/$name.cmxa otherlibs/$name/$name.a $lib/; done
  # dune takes native Dynlink in its usual place for a sign that plugins can be linked.
  install_into $lib/dynlink-native otherlibs/dynlink/dynlink.cmxa otherlibs/dynlink/dynlink.a
  cp otherlibs/dynlink/dynlink.cmx $lib/
  # Without shared libraries, byte code carries its stubs: -custom.
  for pair in unix:unix str:camlstr bigarray: threads/threads:threads; do
    library=${pair%:*} stubs=${pair#*:}
    $host_prefix/bin/ocamlc -a -noautolink -linkall ${stubs:+-custom -cclib -l$stubs} \
      -o $lib/$library.cma $host_lib/$library.cma
  done
  # For v4-compiler-libs.sh: the one module that knows the configuration.
  install_into $lib/compiler-libs $back/config.ml
}

copy_sources
cd $build
step configure
configure_target_4
arch=$(sed -n 's/^ARCH *= *//p' Makefile.config)
step back end
gather_back_end
compile_directory $back $host_prefix/bin/ocamlopt -strict-sequence -strict-formats -I . -I $front
step link
link_compilers
step runtime
runtime
step libraries
libraries
step install
install_programs
install_libraries
step done
