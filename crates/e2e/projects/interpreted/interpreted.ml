(* What OCaml 5 brought, and what a runtime must not forget: the results do not depend on the width of `int`. *)

open Effect
open Effect.Deep

type _ Effect.t += Ask : int -> int t | Yield : string -> unit t

let printf = Printf.printf

let answered body =
  match_with body ()
    { retc = (fun result -> result);
      exnc = (fun e -> "raised " ^ Printexc.to_string e);
      effc =
        (fun (type a) (e : a t) ->
          match e with
          | Ask n -> Some (fun (k : (a, _) continuation) -> if n > 99 then discontinue k Not_found else continue k (n * n))
          | Yield word -> Some (fun (k : (a, _) continuation) -> printf "<%s> " word; continue k ())
          | _ -> None) }

let effects () =
  let sum = answered (fun () -> Yield "first" |> perform; string_of_int (List.fold_left (fun a n -> a + perform (Ask n)) 0 [ 1; 2; 3; 99 ])) in
  let raised = answered (fun () -> string_of_int (perform (Ask 100))) in
  let rec deep n = if n = 0 then 0 else 1 + deep (n - 1) in
  printf "%s, %s, %s\n" sum raised (answered (fun () -> string_of_int (deep 100_000)))

let domains () =
  let next = Atomic.make 0 and seen = Mutex.create () and words = Hashtbl.create 7 in
  let work () =
    for _ = 1 to 500 do
      let n = Atomic.fetch_and_add next 1 in
      Mutex.protect seen (fun () -> Hashtbl.replace words (string_of_int n) (Array.make (n mod 50) (float_of_int n)))
    done;
    Gc.full_major ()
  in
  List.iter Domain.join (List.init 3 (fun _ -> Domain.spawn work));
  let total = Hashtbl.fold (fun _ floats total -> Array.fold_left ( +. ) total floats) words 0. in
  printf "%d %d %.0f\n" (Atomic.get next) (Hashtbl.length words) total

let system () =
  let read, write = Unix.pipe () in
  let result = ref "" in
  let thread = Thread.create (fun () -> result := In_channel.input_all (Unix.in_channel_of_descr read)) () in
  let out = Unix.out_channel_of_descr write in
  Marshal.to_channel out (1, "two", [| 3.5 |], 4L, 5n, 6l) [];
  close_out out;
  Thread.join thread;
  let one, two, three, four, five, six = (Marshal.from_string !result 0 : int * string * float array * int64 * nativeint * int32) in
  printf "%d %s %.1f %Ld %nd %ld\n" one two three.(0) four five six;
  printf "%s\n" (String.concat "|" (Str.split (Str.regexp "[ ,]+") "byte code,  anywhere"))

(* The widest constants that both widths have, and those of all widths. *)
let constants () =
  printf "%d %d %Ld %ld %h %b\n" 0x3fff_ffff (-0x4000_0000) 0x7fff_ffff_ffff_ffffL 0x8000_0000l 0x1.8p+1000
    (max_int = (if Sys.int_size = 31 then 0x3fff_ffff else -1 lsr 1))

let () =
  printf "%s\n" Sys.ocaml_version;
  effects ();
  domains ();
  system ();
  constants ();
  printf "%.3f\n" (Sums.fold (fun sum n -> sum +. Int64.to_float n) 0.5 [| 1L; 1_000_000_000_000L; -3L |]);
  match Sys.getenv_opt "DIE" with
  | None -> at_exit (fun () -> print_endline "bye")
  | Some _ -> failwith "died"
