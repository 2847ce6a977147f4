# Everything by the name that it has on a system: who it compiles for is said by nothing here.
where=$(ocamlc -where)
gcc -O2 -I "$where" -c weight_stubs.c -o weight_stubs.o
cc -O2 -c weight.c -o weight.o
ar rc libweight.a weight_stubs.o weight.o
ranlib libweight.a
ocamllex -q token.mll
ocamlopt -c token.ml
ocamlopt.opt -c main.ml
ocamlopt token.cmx main.cmx libweight.a -o camel-compilers
strip -o stripped camel-compilers
