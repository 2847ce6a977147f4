(* Carries numbers too large for a word through a database, and tells what arrived. *)

let rec factorial n = if n <= 1 then Z.one else Z.mul (Z.of_int n) (factorial (n - 1))

(* Two camels walk at once; the ledger is written in the order of their arrival. *)
let walk ledger count =
  let open Lwt.Syntax in
  let camel name pause first =
    let rec step n =
      if n > count then Lwt.return_unit
      else
        let* () = Lwt_unix.sleep pause in
        Ledger.write ledger { Ledger.camel = name; load = n; weight = Z.to_string (factorial (n * 10)) };
        step (n + 2)
    in
    step first
  in
  Lwt.join [ camel "one" 0.01 1; camel "two" 0.01 2 ]

let tell json entries =
  let total = List.fold_left (fun sum entry -> Z.add sum (Z.of_string entry.Ledger.weight)) Z.zero entries in
  if json then
    let entry { Ledger.camel; load; weight } =
      `Assoc [ ("camel", `String camel); ("load", `Int load); ("digits", `Int (String.length weight)) ]
    in
    let sum = Ledger.checksum (Z.to_string total) in
    print_endline
      (Yojson.Safe.pretty_to_string
         (`Assoc
           [ ("entries", `List (List.map entry entries)); ("total", `String (Z.to_string total)); ("checksum", `Int sum) ]))
  else (
    List.iter (fun entry -> print_endline (Ledger.to_line entry)) entries;
    Printf.printf "total %s, checksum %d, sqlite %s\n" (Z.to_string total)
      (Ledger.checksum (Z.to_string total))
      (Ledger.engine ()))

let run count json =
  let ledger = Ledger.open_memory () in
  Lwt_main.run (walk ledger count);
  tell json (Ledger.read ledger)

let () =
  let open Cmdliner in
  let count = Arg.(value & opt int 4 & info [ "n"; "count" ] ~docv:"N" ~doc:"How many loads to carry.") in
  let json = Arg.(value & flag & info [ "json" ] ~doc:"Tell in JSON.") in
  let info = Cmd.info "caravan" ~doc:"carry numbers through a database" in
  exit (Cmd.eval (Cmd.v info Term.(const run $ count $ json)))
