#!/bin/sh
# Checks a finished toolchain: selftest.sh TARGET [RUNNER]. Runs inside a root that has /opt/zig and /opt/cc/TARGET.
#
# RUNNER executes the target's programs (qemu-aarch64, ...); "" runs them directly, "none" does not run them.
# glibc targets of another CPU need a runner that finds a glibc (qemu-aarch64 -L DIR) or "none".
# Prints one line per check and exits with 1 if any failed. readelf, if there is one, adds checks of the glibc floor.
set -u
TARGET=$1 RUN=${2-}
BIN=/opt/cc/$TARGET/bin
CC=$BIN/cc
DIR=${TMPDIR:-/tmp}/cc-selftest-$$
SRC=$(cd "$(dirname "$0")" && pwd)/selftest
failed=0 passed=0 EXE='' ATOMIC=-latomic UNIXLIBS='-ldl -lpthread -lrt -lutil'
case $TARGET in
  *-windows-*) EXE=.exe UNIXLIBS=-lpthread ;; # clang adds the suffix to the name it is given
  *-freebsd) UNIXLIBS='-lpthread -lrt -lutil' ;;
  *-macos) UNIXLIBS='-ldl -lpthread -lutil' ATOMIC=-O2 ;;
esac
mkdir -p "$DIR" && cp "$SRC"/* "$DIR" && cd "$DIR" || exit 2

# check NAME COMMAND...: the command, in a subshell, must succeed; its output is shown only if it does not.
check() {
  name=$1; shift
  if ("$@") > log 2>&1; then passed=$((passed + 1)); echo "ok    $name"
  else failed=$((failed + 1)); echo "FAIL  $name"; sed 's/^/      /' log; fi
}
# silent COMMAND...: succeeds, and without a word: a warning that a compiler probe meets is read as "not supported".
silent() { out=$("$@" 2>&1) && [ -z "$out" ] || { echo "said: $out"; return 1; }; }
refuses() { ! "$@"; }
# runs PROGRAM: it must print $expected. (Windows ends lines in its own way.)
# shellcheck disable=SC2086
runs() {
  [ "$RUN" != none ] || return 0
  said=$($RUN "$1$EXE" | tr -d '\r')
  [ "$said" = "$expected" ] || { echo "wrong output: $said" | head -5; return 1; }
}
elf_type() { od -An -tu1 -j16 -N2 "$1" | tr -d ' '; } # 2 bytes: REL 1, EXEC 2, DYN 3, in the target's byte order
is_elf() { case $(elf_type "$1") in "$2"0 | 0"$2") ;; *) echo "$1: ELF type $(elf_type "$1")"; return 1 ;; esac; }

each_stage() {
  silent "$CC" -E prog.c -o prog.i && silent "$CC" -S prog.i -o prog.s && silent "$CC" -c prog.s -o prog1.o &&
    silent "$CC" -c -O2 -g -Wall prog.c && silent "$CC" prog.o -o prog1 -lm && expected='prog 8 ok' && runs ./prog1
}
# shellcheck disable=SC2086
one_step() { expected='prog 8 ok'; silent "$CC" -O2 prog.c -o prog2 -lm $UNIXLIBS && runs ./prog2; }
default_name() { rm -f a.out a.exe; silent "$CC" prog.c -lm && { [ -x a.out ] || [ -x a.exe ]; }; }
threads() { expected='threads 4000'; silent "$CC" -pthread -O1 threads.c -o threads && runs ./threads; }
deep_thread() { expected='deep'; silent "$CC" -O0 deep.c -o deep -pthread && runs ./deep; }
runtime_calls() { expected='runtime ok'; silent "$CC" -O1 -Wno-atomic-alignment runtime.c -o runtime $ATOMIC && runs ./runtime; }
long_double() { expected='long double ok'; silent "$CC" -O1 longdouble.c -o longdouble -lm && runs ./longdouble; }
unwinding() { expected='frames ok'; silent "$CC" -O0 -fno-inline unwind.c -o unwind && runs ./unwind; }
constructors() { expected='ctor main dtor'; silent "$CC" ctor.c -o ctor && runs ./ctor; }
# `as -o OBJECT SOURCE` has a way of its own.
one_assembler() { "$CC" -g -S prog.c -o prog.s && "$BIN/as" -o straight.o prog.s && "$BIN/as" -I . -o around.o prog.s && cmp straight.o around.o; }
from_stdin() { expected='prog 8 ok'; "$CC" -x c - -o stdin < prog.c && runs ./stdin; }
dependencies() { [ "$("$CC" -MM prog.c | tr -d '\\\n' | tr -s ' ')" = 'prog.o: prog.c prog.h' ] && "$CC" -MD -MF prog.d -MT x/prog.o -c prog.c && grep -q '^x/prog.o: prog.c' prog.d && grep -q 'stdio.h' prog.d; }
response_file() { printf -- '-O1\nprog.c\n-o "resp file"\n-lm\n' > args; expected='prog 8 ok'; silent "$CC" @args && runs './resp file'; }
linker_args() { silent "$CC" prog.c -o wl -Wl,--gc-sections,-s -Wl,-Map=wl.map -Xlinker --no-undefined -lm && [ -s wl.map ]; }
partial_link() { expected='prog 8 ok'; "$CC" -c prog.c && "$CC" -c other.c && silent "$CC" -r prog.o other.o -o both.o && is_elf both.o 1 && silent "$CC" both.o -o both -lm && runs ./both; }
partial_link_ld() { expected='prog 8 ok'; "$CC" -c prog.c && "$CC" -c other.c && "$BIN/ld" -r -o both2.o prog.o other.o && is_elf both2.o 1 && silent "$CC" both2.o -o both2 -lm && runs ./both2; }
archives() {
  expected='prog 8 ok'; rm -f libother.a; "$CC" -c prog.c && "$CC" -c other.c && "$BIN/ar" rc libother.a other.o && "$BIN/ranlib" libother.a &&
    [ "$("$BIN/ar" t libother.a)" = other.o ] && "$CC" prog.o -L. -lother -lm -o withlib && runs ./withlib
  "$BIN/ar" rc again.a other.o && cmp again.a libother.a
}
assembly() {
  echo '#define VALUE 7' > value.h; "$CC" -S answer.c && "$BIN/as" answer.s -o answer1.o && "$BIN/as" -g -o answer2.o < answer.s - && "$BIN/as" --defsym x=1 --noexecstack -I . -oanswer3.o answer.s &&
    (rm -f a.out; "$BIN/as" answer.s && is_elf a.out 1) && { printf '#include "value.h"\n.data\n.globl v\nv: .long VALUE\n'; } > v.S && silent "$CC" -c v.S && is_elf v.o 1 &&
    for n in 1 2 3; do "$CC" useanswer.c answer$n.o -o useanswer && expected='answer 42' && runs ./useanswer || return 1; done
}
preprocessor() { [ "$(echo 'A B' | "$BIN/cpp" -P -DA=1 -D B=2 -)" = '1 2' ] && [ "$(echo A | "$BIN/cpp" -P -DA=3)" = 3 ] && echo A > c.in && "$BIN/cpp" -P -DA=4 c.in c.out && [ "$(cat c.out)" = 4 ]; }
shared_object() { silent "$CC" -shared -fPIC -O2 other.c -o libother.so && is_elf libother.so 3; }
defaults() { silent "$CC" prog.c -o exe -lm && is_elf exe 2; }
pie() { expected='prog 8 ok'; silent "$CC" -fPIE -pie prog.c -o pie -lm && is_elf pie 3 && runs ./pie; }
static_pie() { expected='prog 8 ok'; silent "$CC" -fPIE -static-pie prog.c -o spie -lm && is_elf spie 3 && runs ./spie; }
static_no_interp() { silent "$CC" -static prog.c -o st -lm && ! grep -q 'ld-musl\|ld-linux' st; }
undefined_fails() { echo 'int nosuch(void); int main(void){return nosuch();}' > u.c; refuses "$CC" u.c -o u; }
missing_lib_fails() { refuses "$CC" prog.c -o u -lnosuchlib; }
missing_header_fails() { printf '#include <nosuch.h>\n' > n.c; refuses "$CC" -c n.c; }
# what configure scripts ask
probe_flags() { for f in -fno-strict-aliasing -fwrapv -Wall -Werror -pthread -ffunction-sections -g -O3 -std=gnu11 -std=c99 -fPIC -fvisibility=hidden; do silent "$CC" $f -c answer.c || return 1; done; }
probe_bad_flag() { refuses "$CC" -fnosuchflag -c answer.c; }
probe_info() { "$CC" --version | grep -q clang && "$CC" -v 2>&1 | grep -q "^Target: " && [ -f "$("$CC" -print-file-name=libm.a)" -o -f "$("$CC" -print-file-name=libm.so)" -o -d "$("$CC" -print-resource-dir)" ]; }
probe_machine() { case $("$CC" -dumpmachine) in *-linux-musl* | *-linux-gnu*) ;; *) return 1 ;; esac; [ "$("$CC" -print-search-dirs | grep -c "/opt/cc/$TARGET/lib")" -gt 0 ]; }
probe_libgcc() { [ -f "$("$CC" -print-libgcc-file-name)" ] || [ -f "$("$CC" --rtlib=libgcc -print-libgcc-file-name)" ]; }
user_headers_first() { mkdir -p inc && echo '#define MINE 1' > inc/stdio.h && printf '#include <stdio.h>\n#ifndef MINE\n#error no\n#endif\n' > first.c && "$CC" -Iinc -c first.c && "$CC" -isystem inc -c first.c; }
# nothing of the build machine may be seen: the only libc headers are the target's
only_own_headers() { for w in $("$CC" -E -Wp,-v -x c /dev/null 2>&1 | grep '^ /'); do case $w in /opt/cc/"$TARGET"/* | /opt/zig/lib/include | /opt/zig/lib/include/ppc_wrappers) ;; *) echo "$w"; return 1 ;; esac; done; }
deterministic() { mkdir -p 1 2 && "$CC" -O2 -g prog.c -o 1/det -lm && "$CC" -O2 -g prog.c -o 2/det -lm && cmp 1/det$EXE 2/det$EXE; }
no_needless_writes() { [ -z "$(find /opt/cc/"$TARGET" -newer prog.h -type f | head -1)" ]; }
headers_compile() { # threads.h came with glibc 2.28
  case $TARGET in *-gnu*.2.1? | *-gnu*.2.2[0-7]) sed -i /^threads.h/d headers ;; esac
  for h in $(cat headers); do echo "#include <$h>"; done > all.c && "$CC" -std=gnu11 -c all.c; }
glibc_floor() {
  floor=${TARGET##*-gnu*([a-z]).}; floor=$(echo "$TARGET" | sed 's/.*-gnu[a-z]*\.//')
  "$CC" -O1 floor.c -o floor -pthread -lm -ldl -lrt || return 1
  worst=$(readelf -V floor | grep -o 'Name: GLIBC_[0-9.]*' | sed 's/.*GLIBC_//' | sort -t. -k1,1n -k2,2n -k3,3n | tail -1)
  [ -n "$worst" ] && [ "$(printf '%s\n%s\n' "$worst" "$floor" | sort -t. -k1,1n -k2,2n | tail -1)" = "$floor" ] || { echo "uses GLIBC_$worst, floor $floor"; return 1; }
  echo "newest: $worst"
}
glibc_newer_refused() { # reallocarray came with 2.26, pidfd_open with 2.36, closefrom with 2.34
  floor=${TARGET##*.}
  echo 'int closefrom(int); int main(void) { closefrom(3); return 0; }' > newer.c
  if [ "$floor" -ge 34 ]; then "$CC" newer.c -o newer; else refuses "$CC" newer.c -o newer; fi
}
glibc_no_static() { refuses "$CC" -static prog.c -o st -lm; }

names() {
  "$CC" -c -g other.c && "$BIN/nm" -g other.o > symbols || return 1
  for want in 'U malloc' 'T other'; do [ "$(grep -c " $want\$" symbols)" = 1 ] || { cat symbols; return 1; }; done
  "$BIN/ar" rc names.a other.o && [ "$("$BIN/nm" -AP names.a | grep -c 'names.a\[other.o\]: other T ')" = 1 ] && refuses "$BIN/nm" headers
}
# a linked file does not depend on whether debug information was stripped before or is left out now
strip_objects() {
  for f in other answer useanswer; do "$CC" -g -O1 -ffunction-sections -c $f.c || return 1; done
  "$BIN/ar" rc full.a other.o answer.o && "$CC" -s useanswer.o full.a -o full && cp full.a less.a && cp useanswer.o less.o && "$BIN/strip" -S less.a less.o &&
    "$CC" -s less.o less.a -o less && cmp full less && [ "$(wc -c < less.a)" -lt "$(wc -c < full.a)" ] && grep -q "$DIR" full.a && ! grep -q "$DIR" less.a
}
strip_program() {
  expected='prog 8 ok'; "$CC" -g prog.c -o tostrip -lm && "$BIN/strip" -o stripped tostrip && [ "$(wc -c < stripped)" -lt "$(wc -c < tostrip)" ] &&
    grep -q "$DIR" tostrip && ! grep -q "$DIR" stripped && "$BIN/nm" stripped 2>&1 | grep -q 'no symbols' && runs ./stripped && refuses "$BIN/strip" headers
}

is_pe() { [ "$(head -c 2 "$1")" = MZ ]; }
windows_headers() { for h in $(grep -E '^(assert|complex|ctype|errno|fcntl|float|inttypes|limits|locale|math|pthread|setjmp|signal|std.*|string|time|unistd|wchar|wctype|sys/(stat|time|types)).h$' headers) winsock2.h windows.h; do echo "#include <$h>"; done > all.c && "$CC" -c all.c; }
windows_dll() {
  echo '__declspec(dllexport) int answer(void) { return 42; }' > dll.c
  silent "$CC" -shared dll.c -o answer.dll -Wl,--out-implib,libanswer.dll.a && is_pe answer.dll && silent "$CC" useanswer.c -L. -lanswer -o usedll &&
    expected='answer 42' && runs ./usedll
}
windows_api() {
  printf '#include <winsock2.h>\n#include <windows.h>\n#include <stdio.h>\nint main(void) { WSADATA d; int x = 1; WakeByAddressAll(&x); printf("%%d %%d\\n", WSAStartup(0x202, &d), GetCurrentProcessId() != 0); return 0; }\n' > api.c
  silent "$CC" api.c -o api -lws2_32 -lsynchronization && expected='0 1' && runs ./api
}
windows_flags() { silent "$CC" prog.c -o sub -mwindows -Wl,--stack,8388608 -Wl,--gc-sections -Wl,--no-insert-timestamp -s -lm && is_pe sub.exe; }
# What two objects and an archive share, COMDAT functions and constructors survive a partial link.
windows_partial_link() {
  expected='prog 8 ok'; rm -f libother.a; "$CC" -c prog.c && "$CC" -c other.c && "$BIN/ar" rc libother.a other.o && "$BIN/ld" -r -o both.o prog.o libother.a && silent "$CC" both.o -o both -lm && runs ./both &&
    silent "$CC" -r prog.o other.o -o both2.o && silent "$CC" both2.o -o both2 -lm && runs ./both2 && refuses "$BIN/ld" -r -o r.o headers
}
is_macho() { case $(od -An -tx1 -N4 "$1" | tr -d ' ') in cffaedfe) ;; *) echo "$1 is not Mach-O"; return 1 ;; esac; }
macos_kinds() {
  silent "$CC" prog.c -o mac -lm && is_macho mac && silent "$CC" -dynamiclib other.c -o other.dylib -install_name @rpath/other.dylib && is_macho other.dylib &&
    "$CC" -c other.c && "$CC" -c answer.c && "$BIN/ld" -r -o mac.o other.o answer.o && is_macho mac.o && silent "$CC" useanswer.c mac.o -o mac2 -Wl,-dead_strip -Wl,-rpath,@loader_path &&
    refuses "$CC" useanswer.c other.dylib -o mac3
}

common='each_stage one_step default_name threads deep_thread runtime_calls long_double constructors from_stdin one_assembler dependencies response_file
  archives preprocessor undefined_fails missing_lib_fails missing_header_fails probe_flags probe_bad_flag probe_info probe_libgcc
  user_headers_first only_own_headers deterministic no_needless_writes'
elf='unwinding linker_args partial_link partial_link_ld assembly shared_object defaults pie probe_machine headers_compile names strip_objects strip_program'
case $TARGET in
  *-windows-*) more='windows_headers windows_dll windows_api windows_flags windows_partial_link' ;;
  *-macos) more='unwinding macos_kinds'; common=$(echo "$common" | sed 's/probe_libgcc//') ;;
  *-freebsd) more=$(echo "$elf" | sed 's/probe_machine headers_compile//') ;;
  *-musl*) more="$elf static_pie static_no_interp" ;;
  *) more="$elf glibc_newer_refused glibc_no_static"
    if command -v readelf > /dev/null; then more="$more glibc_floor"; else echo "skip  glibc_floor: no readelf"; fi ;;
esac
for c in $common $more; do check "$c" "$c"; done
echo "$TARGET: $passed passed, $failed failed"
cd / && rm -rf "$DIR"
[ $failed = 0 ]
