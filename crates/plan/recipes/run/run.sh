# What a root needs to run programs of another machine, in /out: see preload.c and client.c.
set -eu
cc=/opt/cc/$CC_TARGET/bin/cc
mkdir -p /out/preload /out/client
$cc -O2 -fPIC -shared -Wl,-soname,preload.so -o /out/preload/preload.so /bactrian/run/preload.c -ldl
$cc -O2 -o /out/client/client /bactrian/run/client.c
