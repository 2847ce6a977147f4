# Shared by the recipes of OCaml 4.14; sourced, never run. POSIX sh. Builds on common.sh.
#
# A compiler of 4.14 has the word size of what it compiles for. HOST names what it runs on (a name of
# /opt/cc): this machine itself, or x86-linux-musl, whose static programs run on it as well.

. "$(dirname "$0")/common.sh"
: "${HOST:?a name of /opt/cc}"

host_cc_target=$HOST
host_cc=/opt/cc/$HOST/bin
case $HOST in
  x86-linux-musl)
    host_triple=i686-pc-linux-musl
    host_prefix=/opt/ocaml32 host_objects=/opt/ocaml32-objects ;;
  *) host_triple=x86_64-pc-linux-gnu ;;
esac
front=$host_objects/front
# ocamllex, ocamldep and the like do not care: they are always those of the machine itself.
tools=/opt/ocaml/bin

# Everything is configured like this; what is for one target or host only is added.
configure_4() {
  ./configure -q --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger \
    --disable-debug-runtime --disable-instrumented-runtime --disable-dependency-generation \
    STRIP=true OBJDUMP=false "$@"
  # Our C compilers link so anyway, and say of the option that it is of no use to compile with.
  sed -i 's/-no-pie //' Makefile.config
  # Config and Makefile.config tell users' C code to be compiled with CFLAGS as well: made before those are ours.
  make -s -C utils config.ml
  # No debug information in the runtime's C code, no warnings (not our code).
  CFLAGS='-g0 -w'
  export CFLAGS
}

# compiler_makefile: lean.mk, upstream's Makefile without debug information and .cmt files in the
# compiler's own code. Config is opaque: nobody may inline its constants, since a cross compiler
# replaces this one module and keeps the objects of the others.
compiler_makefile() {
  cat >lean.mk <<'EOF'
include Makefile
COMPFLAGS = -strict-sequence -strict-formats -absname -w -a $(INCLUDES)
CAMLC = $(BOOT_OCAMLC) -nostdlib -I boot -use-prims runtime/primitives
CAMLOPT = $(OCAMLRUN) ./ocamlopt -nostdlib -I stdlib
utils/config.cmi utils/config.cmo utils/config.cmx: COMPFLAGS += -opaque
print-%: ; @echo $($*)
EOF
}

mk() { make -s -j"$jobs" -f lean.mk "$@"; }

# make_library NAME MAKE-ARGUMENT...: one of otherlibs/.
make_library() {
  library=$1
  shift
  extra=
  if [ "$library" = unix ]; then extra='-nolabels $(EXTRACAMLFLAGS)'; fi
  make -s -j"$jobs" -C otherlibs/"$library" COMPFLAGS="-absname -w -a -g $extra" CMXS=cmxa "$@"
}

compiler_directories='utils parsing typing bytecomp file_formats lambda driver asmcomp
  middle_end middle_end/closure middle_end/flambda middle_end/flambda/base_types'
# Sources of the front end that are made by tools.
generated='parsing/parser.ml parsing/lexer.ml parsing/camlinternalMenhirLib.ml parsing/parser.mli
  parsing/camlinternalMenhirLib.mli utils/domainstate.ml utils/domainstate.mli lambda/runtimedef.ml
  bytecomp/opcodes.ml bytecomp/opcodes.mli'

# The C compiler of the machine itself, for what a build runs.
machine_cc=/opt/cc/x86_64-linux-gnu.2.28/bin/cc
# Where it cannot run 32-bit programs, its root has this.
emulator=/usr/bin/qemu-i386

# runnable PROGRAM: a program for HOST becomes a script that starts it, under the emulator if there is one.
runnable() {
  case $HOST in x86-linux-musl) ;; *) return 0 ;; esac
  mv "$1" "$1.i686"
  starter "$PWD/$1.i686" >"$1"
  chmod 755 "$1"
}
starter() {
  cat <<EOF
#!/bin/sh
if [ -x $emulator ]; then exec $emulator $1 "\$@"; fi
exec $1 "\$@"
EOF
}

# install_runnable PREFIX OUT PROGRAM: the same, installed.
install_runnable() {
  case $HOST in x86-linux-musl) ;; *) install_into $2/bin $3; return ;; esac
  mkdir -p $2/bin
  install_into $2/libexec $3.i686
  starter $1/libexec/"$(basename $3)".i686 >$2/bin/"$(basename $3)"
  chmod 755 $2/bin/"$(basename $3)"
}

# gather_asmcomp_4 ARCH DIR: copies all sources of the native back end for one architecture.
gather_asmcomp_4() {
  cp asmcomp/*.ml asmcomp/*.mli asmcomp/"$1"/*.ml file_formats/linear_format.ml file_formats/linear_format.mli \
    driver/opt*.ml driver/opt*.mli "$2/"
  case $1 in amd64 | i386) ;; *) rm "$2"/x86_* ;; esac
  cp asmcomp/"$1"/emit.mlp /tmp/emit.mlp
  case $1 in
    arm) write_unified_arm /tmp/emit.mlp ;;
    riscv) keep_jump_tables /tmp/emit.mlp ;;
  esac
  {
    echo "# 1 \"asmcomp/$1/emit.mlp\""
    $host_prefix/bin/ocamlrun $host_objects/bin/cvt_emit </tmp/emit.mlp
  } >"$2/emit.ml"
}

# write_unified_arm FILE: the emitter writes floating-point instructions as they were called before ARM's unified
# assembly language, and a function's second label twice, at the prologue's end and by itself. GNU as takes both,
# clang's assembler neither.
write_unified_arm() {
  unified_names >/tmp/unified.txt
  awk '
    FNR == NR { name[$1] = $2; next }
    {
      for (old in name) {
        # a whole word after a tab or within quotes
        while (match($0, "[`\"\t]" old "[\"\t\\\\]")) {
          $0 = substr($0, 1, RSTART) name[old] substr($0, RSTART + RLENGTH - 1)
          seen[old] = 1
        }
      }
      if (sub(/fconstd\t\{emit_reg i\.res\.\(0\)\}, #\{emit_int imm8\}/,
              "vmov.f64\t{emit_reg i.res.(0)}, #{emit_string (Printf.sprintf \"%.7f\" (Int64.float_of_bits f))}"))
        constants++
      sub(/Some imm8 ->$/, "Some _ ->")
      if (sub(/^      `\{emit_label env\.f\.fun_tailrec_entry_point_label\}:\\n`;$/, "")) labels++
      flags += sub(/\tfmstat\\n/, "\tvmrs\tAPSR_nzcv, fpscr\\n")
      print
    }
    END {
      for (old in name) if (!seen[old]) { print "emit.mlp has no " old | "cat >&2"; bad = 1 }
      exit bad || constants != 1 || flags != 1 || labels != 1
    }' /tmp/unified.txt "$1" >"$1.new"
  mv "$1.new" "$1"
}
unified_names() {
  cat <<'EOF'
fabsd vabs.f64
faddd vadd.f64
fcmpd vcmp.f64
fcpyd vmov.f64
fcvtds vcvt.f64.f32
fcvtsd vcvt.f32.f64
fdivd vdiv.f64
fldd vldr
flds vldr
fmacd vmla.f64
fmrs vmov
fmscd vnmls.f64
fmsr vmov
fmuld vmul.f64
fnegd vneg.f64
fnmacd vmls.f64
fnmscd vnmla.f64
fnmuld vnmul.f64
fsitod vcvt.f64.s32
fsqrtd vsqrt.f64
fstd vstr
fsts vstr
fsubd vsub.f64
ftosizd vcvt.s32.f64
EOF
}
