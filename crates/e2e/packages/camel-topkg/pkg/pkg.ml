#!/usr/bin/env ocaml
#use "topfind"
#require "topkg"
open Topkg

let () =
  Pkg.describe "camel-topkg" ~readmes:[] ~licenses:[] ~change_logs:[] @@ fun _ ->
  Ok [ Pkg.mllib "src/trek.mllib"; Pkg.bin "bin/trek_main" ~dst:"camel-topkg" ]
