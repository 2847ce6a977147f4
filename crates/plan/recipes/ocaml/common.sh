# Shared by the OCaml recipes; sourced, never run. POSIX sh.
#
# The recipes run in a sealed root where every path below is a constant, so OCaml's
# habit of baking absolute paths into everything it installs is harmless.

set -eu
umask 022

: "${OCAML_VERSION:?version of the compiler, such as 5.4.1}"
jobs=${BACTRIAN_JOBS:-2}
src=${SRC:-/src}            # the release's source tree, read-only
build=/tmp/ocaml            # scratch copy; its name ends up in debug information
out=/out
host_prefix=/opt/ocaml
host_objects=/opt/ocaml-objects
front=$host_objects/front
host_cc_target=x86_64-linux-gnu.2.28
host_cc=/opt/cc/$host_cc_target/bin
if [ -n "${TARGET:-}" ]; then
  prefix=/opt/cross/$TARGET
  cc=/opt/cc/$TARGET/bin
fi

# These would redirect the host's and the target's compiler alike.
unset OCAMLLIB CAMLLIB OCAMLPATH CAML_LD_LIBRARY_PATH OCAMLRUNPARAM OCAMLPARAM \
  CPATH LIBRARY_PATH MAKEFLAGS MAKELEVEL GREP_OPTIONS CDPATH || :

# Upstream's flags of the standard library, warnings and .cmt files apart.
stdlib_flags='-strict-sequence -absname -w -a -g -nostdlib -principal'

# step NAME: announces a stage, with the seconds since the start.
started=$(date +%s)
step() { echo "== $(($(date +%s) - started))s $*"; }

# copy_sources: a writable copy with all time stamps equal, so that `make` trusts
# every file that is present and builds only what is missing.
copy_sources() {
  case $(sed -n 1p "$src/VERSION") in
    "$OCAML_VERSION") ;;
    *) echo "the sources are OCaml $(sed -n 1p "$src/VERSION"), not $OCAML_VERSION" >&2; exit 1 ;;
  esac
  mkdir -p "$build"
  (cd "$src" && tar cf - --exclude=./testsuite --exclude=./manual --exclude=./api_docgen .) |
    (cd "$build" && tar xf -)
  # configure instantiates two files of the manual: give it somewhere to do so.
  (cd "$src" && tar cf - manual/src/version.tex.in manual/src/html_processing/src/common.ml.in) |
    (cd "$build" && tar xf -)
  chmod -R u+w "$build"
  settle "$build"
}

# settle DIR...: gives everything below one old time stamp.
settle() { find "$@" -exec touch -h -d @1000000000 {} +; }

# set_make_variable FILE NAME VALUE: replaces `NAME=…`, continuation lines included;
# a variable that is not there means that the release is not understood.
set_make_variable() {
  awk -v name="$2" -v value="$3" '
    skipping { skipping = /\\$/; next }
    !found && $0 ~ "^" name "[ \t]*=" { print name " = " value; found = 1; skipping = /\\$/; next }
    { print }
    END { exit !found }' "$1" >"$1.new" || { echo "$1: no variable $2" >&2; exit 1; }
  cat "$1.new" >"$1"
  rm "$1.new"
}

# lean_c_flags: no debug information in the runtime's C code (it is never read, and
# is most of the size; zig adds it unless told not to), no warnings (not our code).
lean_c_flags() {
  for variable in OC_CFLAGS OC_BYTECODE_CFLAGS OC_NATIVE_CFLAGS; do
    flags=$(sed -n "s/^$variable *= *//p" Makefile.build_config |
      tr ' ' '\n' | grep -v -e '^-g$' -e '^-W' | tr '\n' ' ')
    set_make_variable Makefile.build_config $variable "$flags -g0 -w"
  done
}

# gather_asmcomp ARCH DIR: copies all sources of the native back end for one architecture.
gather_asmcomp() {
  cp asmcomp/*.ml asmcomp/*.mli asmcomp/"$1"/*.ml asmcomp/"$1"/*.mli \
    file_formats/linear_format.ml file_formats/linear_format.mli driver/opt*.ml driver/opt*.mli "$2/"
  case $1 in amd64) ;; *) rm "$2"/x86_* ;; esac
  cp asmcomp/"$1"/emit.mlp /tmp/emit.mlp
  case $1 in riscv) keep_jump_tables /tmp/emit.mlp ;; esac
  {
    echo "# 1 \"asmcomp/$1/emit.mlp\""
    $host_prefix/bin/ocamlrun $host_objects/bin/cvt_emit </tmp/emit.mlp
  } >"$2/emit.ml"
}

# keep_jump_tables FILE: the code of a `match` on riscv counts on jumps of four bytes, which
# GNU as gives it; clang makes them two where it can. Forbid that inside the tables.
keep_jump_tables() {
  awk '
    /^  \| Lswitch jumptbl ->/ { table = 1 }
    { print }
    table && /^      `{emit_label lbl}:\\n`;/ { print "      `\t.option push\\n`; `\t.option norvc\\n`;" }
    table && /^      done$/ { print "      ; `\t.option pop\\n`"; table = 0; found++ }
    END { exit found != 1 }' "$1" >"$1.new"
  mv "$1.new" "$1"
}

# compile_directory DIR OCAMLOPT FLAG...: all modules in it; sets `units`, in link order.
compile_directory() {
  directory=$1
  ocamlopt=$2
  shift 2
  cd "$directory"
  settle .
  files=$(echo *.ml *.mli)
  $host_prefix/bin/ocamldep $files >depend.mk
  units=$($host_prefix/bin/ocamldep -native -sort $files | tr ' ' '\n' |
    sed -n 's/\.ml$/.cmx/p' | tr '\n' ' ')
  cat >Makefile <<EOF
all: $units
%.cmi: %.mli; $host_prefix/bin/ocamlc $* -w -a -c \$<
%.cmo: %.ml; $host_prefix/bin/ocamlc $* -w -a -c \$<
%.cmx: %.ml; $ocamlopt $* -w -a -c \$<
include depend.mk
EOF
  make -s -j"$jobs"
  cd $build
}

# build_library NAME MAKE-ARGUMENT...: one of otherlibs/, C stubs compiled once: the
# objects for byte code and for native code are the same, whatever upstream's rules say
# (systhreads apart, whose Makefile is its own and does not use the variable). Its
# Makefiles add -g after every other flag but CFLAGS.
build_library() {
  library=$1
  shift
  extra=
  if [ $library = unix ]; then extra=-nolabels; fi
  make -s -j"$jobs" -C otherlibs/$library COBJS_NATIVE='$(COBJS_BYTECODE)' \
    CFLAGS="$(sed -n 's/^CFLAGS= *//p' Makefile.config) -g0" \
    COMPFLAGS="-absname -w -a -g $extra" CMXS=cmxa "$@"
}

# install_into DIR FILE...: copies data files. Missing ones are an error.
install_into() {
  destination=$1
  shift
  mkdir -p "$destination"
  cp "$@" "$destination/"
}

# configure_target: configures for TARGET, which TRIPLE names for configure.
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

# pin_answers TARGET CC: prints the cache file that configure is to start from: our known
# answers where they apply, else none. Four fifths of configure's time is spent asking.
pin_answers() {
  cache=/dev/null
  case $1 in
    x86_64-linux-* | aarch64-linux-* | riscv64-linux-* | powerpc64le-linux-*)
      if "$2" --version | grep -q '^clang ' && known_libc "$1"; then
        cache=/tmp/config.cache
        write_answers >$cache
      fi ;;
  esac
  echo $cache
}

# known_libc TARGET: musl, or a glibc not older than the one we asked.
known_libc() {
  case $1 in
    *-musl) ;;
    *-gnu.2.*) [ "${1##*-gnu.2.}" -ge 28 ] ;;
    *) false ;;
  esac
}

# write_answers: answers to configure's questions about the C compiler and the C library,
# as the cache that configure reads (a shell script). They are facts about clang with musl
# or with glibc from 2.28 on, for 64-bit little-endian Linux, found by running configure
# for each target; check-answers.sh finds out if they still hold.
write_answers() {
  cat <<'ANSWERS'
yes_to() { answer_prefix=$1; shift; for answer; do eval "$answer_prefix$answer=yes"; done; }

yes_to ac_cv_func_ accept accept4 acosh asinh atanh bind cbrt connect copysign dup3 erf erfc \
  execvpe exp2 expm1 fchmod fchown fma freelocale ftruncate getaddrinfo getauxval getcwd \
  getentropy getgroups gethostname getnameinfo getrusage gettimeofday hypot inet_aton \
  inet_ntop inet_pton initgroups listen lockf log1p log2 lstat mkfifo mkstemp mktime mmap \
  munmap nanosleep newlocale nice pipe2 posix_spawn posix_spawnp prctl pthread_setname_np \
  putenv pwrite readlink realpath rewinddir round secure_getenv select setenv setgroups \
  setitimer setsid shmat sigaction sigprocmask sigwait socket socketpair strtod_l symlink \
  system tcflow tcflush tcgetattr tcsendbreak tcsetattr times trunc truncate uname unsetenv \
  uselocale utime utimes wait4 waitpid
ac_cv_func_SetThreadDescription=no
ac_cv_func_pthread_set_name_np=no
ac_cv_func_which_gethostbyaddr_r=eight
ac_cv_func_which_gethostbyname_r=six
ac_cv_search_cos='none required'

yes_to ac_cv_header_ dirent_h dlfcn_h inttypes_h linux_futex_h locale_h math_h spawn_h stdint_h \
  stdio_h stdlib_h string_h strings_h sys_mman_h sys_select_h sys_shm_h sys_stat_h sys_types_h \
  sys_utsname_h termios_h unistd_h utime_h
ac_cv_header_pthread_np_h=no
ac_cv_header_xlocale_h=no

yes_to ac_cv_type_ fd_set max_align_t off_t socklen_t struct_sockaddr_in6
ac_cv_member_struct_stat_st_atim_tv_nsec=yes
ac_cv_member_struct_stat_st_atimensec=no
ac_cv_member_struct_stat_st_atimespec_tv_nsec=no
ac_cv_sizeof_short=2
ac_cv_sizeof_int=4
ac_cv_sizeof_long=8
ac_cv_sizeof_long_p=8
ac_cv_sizeof_long_long=8
ac_cv_alignof_double=8
ac_cv_alignof_long=8
ac_cv_alignof_long_long=8
ac_cv_c_bigendian=no

ac_cv_c_compiler_gnu=yes
ac_cv_c_undeclared_builtin_options='none needed'
ac_cv_prog_cc_c11=
ac_cv_prog_cc_stdc=
ac_cv_prog_cc_g=yes
ac_cv_exeext=
ac_cv_objext=o
ac_cv_sys_interpreter=yes
ax_cv_PTHREAD_CLANG=yes
ax_cv_PTHREAD_CLANG_NO_WARN_FLAG=no
ax_cv_PTHREAD_JOINABLE_ATTR=PTHREAD_CREATE_JOINABLE
ax_cv_PTHREAD_PRIO_INHERIT=yes
ax_cv_PTHREAD_SPECIAL_FLAGS=no
ax_cv_check_cflags__Wimplicit_fallthrough=yes
ax_cv_check_cflags__Wimplicit_fallthrough_5=no
ax_cv_check_cflags__Wold_style_declaration=no
ax_cv_check_cflags__fdebug_prefix_map_old_new=yes
lt_cv_prog_compiler_c_o=yes
lt_cv_prog_compiler_pic='-fPIC -DPIC'
lt_cv_prog_compiler_pic_works=yes
lt_cv_prog_compiler_rtti_exceptions=yes
lt_cv_prog_gnu_ld=yes
ocaml_cv_prog_cc_asm_size_type_directives=yes
ocaml_cv_prog_cc_labels_as_values=yes
ocaml_cv_prog_cc_nonexecstack_note=yes
ANSWERS
}
