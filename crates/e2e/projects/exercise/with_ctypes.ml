open Ctypes

external address_of_qsort : unit -> nativeint = "address_of_qsort"
external address_of_weigh : unit -> nativeint = "address_of_weigh"

let at address kind = coerce (ptr void) (Foreign.funptr kind) (ptr_of_raw_address address)

type pair

let pair : pair structure typ = structure "pair"
let small = field pair "small" int8_t
let large = field pair "large" int64_t
let () = seal pair

let () =
  let comparison = Foreign.funptr (ptr int @-> ptr int @-> returning int) in
  let qsort = at (address_of_qsort ()) (ptr int @-> size_t @-> size_t @-> comparison @-> returning void) in
  let numbers = CArray.of_list int [ 5; 3; 9; -2; 7; 0 ] in
  let calls = ref 0 in
  qsort (CArray.start numbers)
    (Unsigned.Size_t.of_int (CArray.length numbers))
    (Unsigned.Size_t.of_int (sizeof int))
    (fun a b -> incr calls; compare !@a !@b);
  Printf.printf "sorted by C, compared by OCaml: %s, %b\n"
    (String.concat " " (List.map string_of_int (CArray.to_list numbers)))
    (!calls > 0);
  let weigh = at (address_of_weigh ()) (int8_t @-> int64_t @-> float @-> double @-> returning double) in
  Printf.printf "weighed: %.3f\n" (weigh (-3) 1_000_000_000_000L 0.5 0.125);
  Printf.printf "layout: size %d, large at %d\n" (sizeof pair) (offsetof large);
  ignore small
