#!/bin/sh
# The host's OCaml: compilers, tools, libraries, and the objects that cross compilers reuse.
#
# in:  /src (sources), /opt/cc/x86_64-linux-gnu.2.28, OCAML_VERSION
# out: /out/ocaml (for /opt/ocaml), /out/objects (for /opt/ocaml-objects)
#
# Upstream's `world.opt` builds everything twice or more (byte code of every tool, .cmt
# files, debug and PIC runtimes, plugins, …). This builds what is used, and switches
# to the native compilers as soon as they exist.

. "$(dirname "$0")/common.sh"

configure_host() {
  ./configure -q --cache-file="$(pin_answers $host_cc_target $host_cc/cc)" --prefix=$host_prefix \
    --build=x86_64-pc-linux-gnu --host=x86_64-pc-linux-gnu \
    --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger \
    --disable-debug-runtime --disable-instrumented-runtime --without-zstd \
    CC=$host_cc/cc AR=$host_cc/ar RANLIB=$host_cc/ranlib AS=$host_cc/as \
    LD=$host_cc/ld NM=$host_cc/nm STRIP=true OBJDUMP=false \
    PARTIALLD="$host_cc/ld -r"
  lean_c_flags
  # The compiler's own code needs neither debug information nor .cmt files.
  set_make_variable Makefile.build_config OC_COMMON_COMPFLAGS "$compiler_flags"
  # Plugins (.cmxs) are of no use on the host, but dune would link one for each library.
  set_make_variable Makefile.config NATDYNLINK false
  sed -i 's/^let native_dynlink = .*/let native_dynlink = false/' utils/config.generated.ml
  # Config is opaque: nobody may inline its constants, since a cross compiler replaces
  # this one module and keeps the objects of the others.
  cat >lean.mk <<'EOF'
include Makefile
utils/config.cmi utils/config.cmo utils/config.cmx: OC_COMMON_COMPFLAGS += -opaque
print-%: ; @echo $($*)
EOF
}
compiler_flags='-strict-sequence -strict-formats -absname -w -a'

mk() { make -s -j"$jobs" -f lean.mk "$@"; }

# The byte-code side, with the compiler that comes as byte code in the release's boot/.
bootstrap() {
  step runtime
  mk boot/ocamlrun runtime/libcamlrun.a runtime/libasmrun.a runtime/libcomprmarsh.a \
    runtime/ld.conf runtime/sak yacc/ocamlyacc
  step standard library, byte code
  mk coldstart COMPFLAGS="$stdlib_flags"
  step compilers, byte code
  mk ocamlopt compilerlibs/ocamlbytecomp.cma driver/main.cmo
}

# The native compilers: ocamlopt.opt by the interpreted compiler, the rest by itself.
native_compilers() {
  step standard library, native
  # boot/ocamlc is this very release: its interfaces and byte code are final.
  make -s -j"$jobs" -C stdlib USE_BOOT_OCAMLC=true COMPFLAGS="$stdlib_flags" allopt
  ln -sf ../runtime/libasmrun.a ../runtime/libcomprmarsh.a stdlib/
  step ocamlopt.opt
  mk ocamlopt.opt
  step ocamlc.opt
  mk driver/main.cmx compilerlibs/ocamlbytecomp.cmxa CAMLOPT="$ocamlopt"
  split_config
  link_native ocamlc.opt -linkall $front compilerlibs/ocamlbytecomp.cmxa driver/main.cmx
  link_native ocamlopt.tmp -linkall $front compilerlibs/ocamloptcomp.cmxa driver/optmain.cmx
  mv ocamlopt.tmp ocamlopt.opt
  touch ocamlc.opt ocamlopt.opt
  cp ocamlc.opt boot/     # from here on upstream's rules use it
}
ocamlopt='./ocamlopt.opt -nostdlib -I stdlib -I otherlibs/dynlink'

# The front end without Config, as a library that forces nothing to be linked.
split_config() {
  front_units=$(mk print-ocamlcommon_CMX_FILES | tr ' ' '\n' | grep -v '^utils/config\.cmx$')
  mkdir -p front
  $ocamlopt -a -cclib -lcomprmarsh -o front/front.cmxa $front_units
  front='utils/config.cmx front/front.cmxa'
}

# link_native PROGRAM ARGUMENT...: stripped; -cc because the configured linker command
# exports all symbols (-Wl,-E, for plugins).
link_native() {
  program=$1
  shift
  $ocamlopt -o "$program" -I utils -I driver -I runtime \
    -cc "$host_cc/cc -s" "$@"
}

tools_and_libraries() {
  step tools
  mk CAMLOPT="$ocamlopt" ocaml tools/ocamlmklib tools/ocamlmktop tools/ocamlcp tools/ocamloptp \
    tools/ocamlprof compilerlibs/ocamlmiddleend.cmxa compilerlibs/ocamlmiddleend.cma tools/profiling.cmo tools/profiling.cmx tools/ocamldep.cmx tools/objinfo.cmx \
    $(mk print-ocamllex_CMX_FILES)
  link_native ocamldep.opt $front tools/ocamldep.cmx
  link_native ocamlobjinfo.opt $front compilerlibs/ocamlbytecomp.cmxa \
    compilerlibs/ocamlmiddleend.cmxa tools/objinfo.cmx
  link_native ocamllex.opt $(mk print-ocamllex_CMX_FILES)
  step libraries
  for name in unix str systhreads runtime_events; do build_library $name all allopt; done
  mk dynlink-all dynlink-allopt OC_COMMON_COMPFLAGS='-absname -w -a -g'
}

install_programs() {
  bin=$out/ocaml/bin
  install_into $bin ocaml ocamlc.opt ocamlopt.opt ocamllex.opt ocamldep.opt ocamlobjinfo.opt \
    runtime/ocamlrun yacc/ocamlyacc \
    tools/ocamlmklib tools/ocamlmktop tools/ocamlcp tools/ocamloptp tools/ocamlprof
  for tool in ocamlc ocamlopt ocamllex ocamldep ocamlobjinfo; do ln -s $tool.opt $bin/$tool; done
}

install_libraries() {
  lib=$out/ocaml/lib/ocaml
  install_into $lib Makefile.config runtime/ld.conf runtime/lib*.a \
    stdlib/stdlib.cma stdlib/stdlib.cmxa stdlib/stdlib.a stdlib/std_exit.cmo stdlib/std_exit.o \
    stdlib/*.cmi stdlib/*.cmx stdlib/*.mli
  cp stdlib/target_runtime-launch-info $lib/runtime-launch-info
  install_into $lib/caml runtime/caml/*.h runtime/caml/*.tbl otherlibs/unix/caml/*.h \
    otherlibs/systhreads/caml/*.h otherlibs/runtime_events/caml/*.h
  install_into $lib/profiling tools/profiling.cm[iox] tools/profiling.o
  install_into $lib/stublibs otherlibs/unix/dllunixbyt.so otherlibs/str/dllcamlstrbyt.so \
    otherlibs/systhreads/dllthreads.so otherlibs/runtime_events/dllcamlruntime_eventsbyt.so
  for library in unix str systhreads runtime_events; do
    cp otherlibs/$library/lib*.a $lib/
    directory=$library
    if [ $library = systhreads ]; then directory=threads; fi
    (cd otherlibs/$library && install_into $lib/$directory *.cm[ix] *.cma *.cmxa ${directory}.a *.mli)
  done
  (cd otherlibs/dynlink &&
    install_into $lib/dynlink dynlink.cm[ia] dynlink.cmxa dynlink.a dynlink.mli *.cmx native/*.cmx)
}

install_compiler_libs() {
  lib=$out/ocaml/lib/ocaml/compiler-libs
  for directory in $compiler_directories; do
    install_into $lib $directory/*.cmi $directory/*.cmx
  done
  install_into $lib toplevel/*.cmi
  install_into $lib toplevel/byte/*.cmi compilerlibs/*.cma compilerlibs/*.cmxa \
    compilerlibs/*.a driver/main.cmo driver/optmain.cmo toplevel/topstart.cmo
  rm -f $lib/main.cmx $lib/optmain.cmx
}
compiler_directories='utils parsing typing bytecomp file_formats lambda driver asmcomp
  middle_end middle_end/closure middle_end/flambda middle_end/flambda/base_types'

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
  ./ocamlc.opt -nostdlib -I stdlib -a -o $objects/front/front.cma \
    $(echo "$front_units" | sed 's/\.cmx/.cmo/g')
  for library in ocamlcommon ocamlbytecomp ocamlmiddleend ocamloptcomp; do
    mk print-${library}_CMX_FILES | sed 's/[^ ]*\///g' >$objects/front/$library.units
  done
  # Sources of the front end that are made by tools, for compiler-libs.
  install_into $objects/generated parsing/parser.ml parsing/lexer.ml parsing/camlinternalMenhirLib.ml \
    parsing/parser.mli parsing/camlinternalMenhirLib.mli utils/domainstate.ml utils/domainstate.mli \
    lambda/runtimedef.ml bytecomp/opcodes.ml bytecomp/opcodes.mli
  # dynlink's other interfaces are not installed, but native code must be compiled against them.
  install_into $objects/dynlink otherlibs/dynlink/*.cmi
  install_into $objects/bin runtime/sak
  if [ -e tools/cvt_emit ]; then cp tools/cvt_emit $objects/bin/; fi
}

copy_sources
cd $build
step configure
configure_host
bootstrap
native_compilers
tools_and_libraries
step install
install_programs
install_libraries
install_compiler_libs
install_objects
step done
