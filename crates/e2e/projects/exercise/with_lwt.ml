open Lwt.Syntax

let () =
  Lwt_main.run
    (let input, output = Lwt_io.pipe () in
     let write =
       let* () = Lwt_list.iter_s (fun n -> Lwt_io.write_line output (string_of_int (n * n))) [ 1; 2; 3; 4; 5 ] in
       Lwt_io.close output
     in
     let read =
       let* lines = Lwt_stream.to_list (Lwt_io.read_lines input) in
       Lwt_io.printlf "through a pipe: %s" (String.concat " " lines)
     in
     let* () = Lwt.join [ write; read ] in
     let* host = Lwt_unix.getaddrinfo "127.0.0.1" "80" [ Unix.AI_NUMERICHOST ] in
     let* () = Lwt_io.printlf "addresses: %b" (host <> []) in
     let* sum = Lwt_preemptive.detach (fun n -> List.fold_left ( + ) 0 (List.init n Fun.id)) 1000 in
     let* () = Lwt_io.printlf "in a thread: %d" sum in
     let* late = Lwt.pick [ (let* () = Lwt_unix.sleep 5. in Lwt.return "late"); (let* () = Lwt_unix.sleep 0.01 in Lwt.return "early") ] in
     Lwt_io.printl late)
