#!/bin/sh
# A compiler of OCaml 4.14 that runs on HOST and compiles for it.
#
# in:  /src (sources), /opt/cc/$HOST, OCAML_VERSION, HOST
# out: /out/ocaml, /out/objects: for /opt/ocaml and /opt/ocaml-objects, or, of 32 bits, for /opt/ocaml32 and
#      /opt/ocaml32-objects. The latter is there to make cross compilers out of: it has neither tools nor a toplevel.
#
# The order is that of host.sh, for the reasons given there.

. "$(dirname "$0")/v4.sh"

whole=true
if [ "$host_prefix" = /opt/ocaml32 ]; then whole=false; fi

configure_host() {
  shared=
  if ! $whole; then shared=--disable-shared; fi
  configure_4 --prefix=$host_prefix --build=$host_triple --host=$host_triple $shared \
    CC=$host_cc/cc AR=$host_cc/ar RANLIB=$host_cc/ranlib AS=$host_cc/as \
    LD=$host_cc/ld NM=$host_cc/nm PARTIALLD="$host_cc/ld -r"
  compiler_makefile
}

stdlib_byte() {
  make -s -j"$jobs" -C stdlib COMPFLAGS="$stdlib_flags" OCAMLRUN=../runtime/ocamlrun \
    CAMLC='$(BOOT_OCAMLC) -use-prims ../runtime/primitives' "$@"
}

# The byte-code side, with the compiler that comes as byte code in the release's boot/.
bootstrap() {
  step runtime
  make -s -j"$jobs" -C runtime SAK_CC=$machine_cc SAK_CFLAGS='$(OC_CPPFLAGS) -w' SAK_LINK='$(SAK_CC) -o $(1) $(2)' \
    ocamlrun ld.conf libcamlrun.a libasmrun.a sak
  runnable runtime/ocamlrun
  cp runtime/ocamlrun boot/
  step standard library, byte code
  stdlib_byte all
  (cd stdlib && cp stdlib.cma std_exit.cmo ./*.cmi camlheader ../boot/)
  ln -sf ../runtime/libcamlrun.a boot/
  ln -sf ../runtime/libcamlrun.a ../runtime/libasmrun.a stdlib/
  step compilers, byte code
  mk ocamlopt compilerlibs/ocamlbytecomp.cma driver/main.cmo
}

# The native compilers: ocamlopt.opt by the interpreted compiler, the rest by itself.
native_compilers() {
  step standard library, native
  stdlib_byte CAMLOPT='../runtime/ocamlrun ../ocamlopt' OPTCOMPILER=../ocamlopt allopt
  step ocamlopt.opt
  mk ocamlopt.opt
  runnable ocamlopt.opt
  step ocamlc.opt
  mk driver/main.cmx compilerlibs/ocamlbytecomp.cmxa CAMLOPT="$ocamlopt"
  split_config
  link_native ocamlc.opt -linkall $front compilerlibs/ocamlbytecomp.cmxa driver/main.cmx
  link_native ocamlopt.tmp -linkall $front compilerlibs/ocamloptcomp.cmxa driver/optmain.cmx
  mv ocamlopt.tmp ocamlopt.opt
  runnable ocamlopt.opt
  runnable ocamlc.opt
  cp ocamlc.opt boot/     # from here on upstream's rules use it
}
ocamlopt='./ocamlopt.opt -nostdlib -I stdlib'
ocamlc='./ocamlc.opt -nostdlib -I stdlib'

# The front end without Config, as a library that forces nothing to be linked.
split_config() {
  front_units=$(mk print-COMMON | tr ' ' '\n' | grep -v '^utils/config\.cmo$' | sed 's/cmo$/cmx/')
  mkdir -p front
  $ocamlopt -a -o front/front.cmxa $front_units
  front='utils/config.cmx front/front.cmxa'
}

# link_native PROGRAM ARGUMENT...: stripped; -cc because the configured linker command
# exports all symbols (-Wl,-E, for plugins).
link_native() {
  program=$1
  shift
  $ocamlopt -o "$program" -I utils -I driver -I runtime -cc "$host_cc/cc -s" "$@"
}

libraries() {
  step libraries
  mk compilerlibs/ocamlmiddleend.cma compilerlibs/ocamlmiddleend.cmxa compilerlibs/ocamltoplevel.cma CAMLOPT="$ocamlopt"
  make -s -j"$jobs" -C tools COMPFLAGS='-strict-sequence -absname -w -a $(INCLUDES)' \
    ocamlmklib profiling.cmo cvt_emit
  goals=all
  if $whole; then goals='all allopt'; fi
  for name in unix str bigarray systhreads; do
    make_library $name CAMLC="../../ocamlc.opt $library_path" CAMLOPT="../../ocamlopt.opt $library_path" $goals
  done
  make -s -j"$jobs" -C otherlibs/dynlink COMPFLAGS='-absname -w -a -g -I byte' \
    OCAMLC="../../ocamlc.opt $library_path" OCAMLOPT="../../ocamlopt.opt $library_path" \
    dynlink.cma $(if $whole; then echo dynlink.cmxa; fi)
}
library_path='-nostdlib -I ../../stdlib -I ../unix'

programs() {
  step tools
  mk ocaml
  make -s -j"$jobs" -C tools COMPFLAGS='-strict-sequence -absname -w -a $(INCLUDES)' \
    ocamlmktop ocamlcp ocamloptp ocamlprof
  make -s -C yacc
  make -s -j"$jobs" -C lex COMPFLAGS='-absname -w -a' CAMLOPT="../ocamlopt.opt $lex_path" ocamllex ocamllex.opt
  for tool in ocamldep objinfo profiling; do
    $ocamlopt $(printf ' -I %s' $compiler_directories tools) -w -a -absname -c tools/$tool.ml
  done
  link_native ocamldep.opt $front tools/ocamldep.cmx
  link_native ocamlobjinfo.opt $front compilerlibs/ocamlbytecomp.cmxa \
    compilerlibs/ocamlmiddleend.cmxa tools/objinfo.cmx
}
lex_path='-nostdlib -I ../stdlib'

install_programs() {
  bin=$out/ocaml/bin
  for program in ocamlc.opt ocamlopt.opt runtime/ocamlrun; do install_runnable $host_prefix $out/ocaml $program; done
  tools='ocamlc ocamlopt'
  if $whole; then
    install_into $bin ocaml ocamldep.opt ocamlobjinfo.opt lex/ocamllex.opt yacc/ocamlyacc \
      tools/ocamlmklib tools/ocamlmktop tools/ocamlcp tools/ocamloptp tools/ocamlprof
    tools='ocamlc ocamlopt ocamllex ocamldep ocamlobjinfo'
  fi
  for tool in $tools; do ln -s $tool.opt $bin/$tool; done
  if ! $whole; then
    printf '#!/bin/sh\nexec %s/bin/ocamlc -depend "$@"\n' $host_prefix >$bin/ocamldep
    chmod 755 $bin/ocamldep
  fi
}

# Laid out as 4.14 does: unix, str, bigarray and dynlink have no directories of their own.
install_libraries() {
  lib=$out/ocaml/lib/ocaml
  install_into $lib Makefile.config runtime/ld.conf runtime/libasmrun.a runtime/libcamlrun.a \
    stdlib/stdlib.cma stdlib/stdlib.cmxa stdlib/stdlib.a stdlib/std_exit.cmo stdlib/std_exit.o \
    stdlib/*.cmi stdlib/*.cmx stdlib/*.mli stdlib/camlheader_ur tools/profiling.cm[io] \
    toplevel/topdirs.cmi
  cp stdlib/target_camlheader $lib/camlheader
  install_into $lib/caml runtime/caml/*.h runtime/caml/*.tbl otherlibs/unix/*.h otherlibs/systhreads/threads.h
  for library in unix str bigarray; do
    (cd otherlibs/$library && install_into $lib ./*.cmi ./*.cma ./*.mli)
  done
  (cd otherlibs/systhreads && install_into $lib/threads ./*.cmi ./*.cma ./*.mli)
  (cd otherlibs/dynlink && install_into $lib dynlink.cmi dynlink.cma dynlink.mli)
  cp otherlibs/*/lib*.a $lib/
  if $whole; then
    install_into $lib/stublibs otherlibs/*/dll*.so
    for library in unix str bigarray; do
      (cd otherlibs/$library && install_into $lib ./*.cmx ./*.cmxa $library.a)
    done
    (cd otherlibs/systhreads && install_into $lib/threads ./*.cmx ./*.cmxa threads.a)
    # Plugins (.cmxs) are of no use on the host, but dune would link one for each library if it found this in its place.
    (cd otherlibs/dynlink && install_into $lib/dynlink-native dynlink.cmxa dynlink.a && cp dynlink.cmx $lib/)
    install_into $lib tools/profiling.cmx tools/profiling.o
  fi
}

install_compiler_libs() {
  lib=$out/ocaml/lib/ocaml/compiler-libs
  for directory in $compiler_directories; do
    install_into $lib $directory/*.cmi
    if $whole; then install_into $lib $directory/*.cmx; fi
  done
  install_into $lib toplevel/*.cmi
  install_into $lib toplevel/byte/*.cmi compilerlibs/*.cma driver/main.cmo driver/optmain.cmo
  if $whole; then install_into $lib compilerlibs/*.cmxa compilerlibs/*.a toplevel/topstart.cmo; fi
  rm -f $lib/main.cmx $lib/optmain.cmx
}

# What a cross compiler takes as it is: all of the front end but Config's code, no back end.
install_objects() {
  objects=$out/objects
  install_into $objects/front front/front.cmxa front/front.a \
    compilerlibs/ocamlbytecomp.cmxa compilerlibs/ocamlbytecomp.a \
    compilerlibs/ocamlmiddleend.cmxa compilerlibs/ocamlmiddleend.a driver/main.cm[ix] driver/main.o
  for directory in $compiler_directories; do
    case $directory in asmcomp) continue ;; esac
    install_into $objects/front $directory/*.cmi $directory/*.cmx
  done
  (cd $objects/front && rm -f config.cmx opt*.cm[ix] linear_format.cm[ix])
  $ocamlc -a -o $objects/front/front.cma $(echo "$front_units" | sed 's/\.cmx/.cmo/g')
  for pair in ocamlcommon:COMMON ocamlbytecomp:BYTECOMP ocamlmiddleend:MIDDLE_END ocamloptcomp:OPTCOMP; do
    mk print-"${pair#*:}" | sed 's/[^ ]*\///g; s/\.cmo/.cmx/g' >$objects/front/"${pair%:*}".units
  done
  install_into $objects/generated $generated
  install_into $objects/bin tools/cvt_emit
}

copy_sources
cd $build
step configure
configure_host
bootstrap
native_compilers
libraries
if $whole; then programs; fi
step install
install_programs
install_libraries
install_compiler_libs
install_objects
step done
