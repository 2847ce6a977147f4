(* Calls C by way of libffi: functions by address, and by name where a program can look itself up. *)

open Ctypes

external address : string -> nativeint = "caravan_address"

let at name kind = coerce (ptr void) (Foreign.funptr kind) (ptr_of_raw_address (address name))

type place

let place : place structure typ = structure "place"
let x = field place "x" int
let y = field place "y" int
let z = field place "z" int
let () = seal place

type load

let load : load structure typ = structure "load"
let weight = field load "weight" double
let camels = field load "camels" int
let () = seal load

let load_of the_weight the_camels =
  let it = make load in
  setf it weight the_weight;
  setf it camels the_camels;
  it

let numbers () =
  let sum =
    at "sum"
      (int @-> double @-> int64_t @-> float @-> int @-> double @-> uint8_t @-> double @-> int16_t @-> double
     @-> returning double)
  in
  Printf.printf "sum: %.3f\n" (sum (-1) 0.5 (-3_000_000_000L) 0.25 7 1e9 (Unsigned.UInt8.of_int 255) (-2.5) (-300) 0.125)

let records () =
  let there = make place in
  List.iter2 (setf there) [ x; y; z ] [ 7; -8; 9 ];
  let there = at "mirrored" (place @-> returning place) there in
  Printf.printf "mirrored: %d %d %d\n" (getf there x) (getf there y) (getf there z);
  let all = at "together" (load @-> load @-> returning load) (load_of 1.25 3) (load_of 2.5 (-5)) in
  Printf.printf "together: %g %d of %d bytes\n" (getf all weight) (getf all camels) (sizeof load)

(* C calls OCaml back, which collects what it can. *)
let callbacks () =
  let each = at "each" (int @-> Foreign.funptr (load @-> int @-> returning double) @-> returning double) in
  let carry it left =
    Gc.compact ();
    (getf it weight *. float_of_int (getf it camels)) +. float_of_int left
  in
  Printf.printf "each: %g\n" (each 10 carry);
  let qsort =
    at "qsort"
      (ptr int @-> size_t @-> size_t @-> Foreign.funptr (ptr int @-> ptr int @-> returning int) @-> returning void)
  in
  let numbers = CArray.of_list int [ 31; -4; 15; 92; -65; 35 ] in
  let size n = Unsigned.Size_t.of_int n in
  qsort (CArray.start numbers) (size 6) (size (sizeof int)) (fun a b -> compare !@a !@b);
  print_endline ("sorted: " ^ String.concat " " (List.map string_of_int (CArray.to_list numbers)))

let texts strlen toupper =
  let length = Unsigned.Size_t.to_int (strlen "dromedary") in
  Printf.printf "texts: %d %s\n" length (String.map (fun letter -> Char.chr (toupper (Char.code letter))) "camel")

let kind_of_strlen = string @-> returning size_t

let () =
  match Sys.argv with
  | [| _; "by-name" |] -> texts (Foreign.foreign "strlen" kind_of_strlen) (Foreign.foreign "toupper" (int @-> returning int))
  | _ ->
      numbers ();
      records ();
      callbacks ();
      texts (at "strlen" kind_of_strlen) (fun code -> Char.code (Char.uppercase_ascii (Char.chr code)))
