let () =
  Curl.global_init Curl.CURLINIT_GLOBALALL;
  let file = Filename.temp_file "camel" "post" in
  Out_channel.with_open_bin file (fun out -> output_string out "a letter from Siwa");
  let received = Buffer.create 32 in
  let handle = Curl.init () in
  Curl.set_url handle ("file://" ^ file);
  Curl.set_writefunction handle (fun text -> Buffer.add_string received text; String.length text);
  Curl.perform handle;
  Printf.printf "%s, %.0f bytes\n" (Buffer.contents received) (Curl.get_sizedownload handle);
  Sys.remove file;
  (* Port 1 of this machine: nobody listens. *)
  Curl.set_url handle "https://127.0.0.1:1/";
  (try Curl.perform handle with Curl.CurlException (Curl.CURLE_COULDNT_CONNECT, _, _) -> print_endline "nobody there");
  Curl.cleanup handle;
  let about = Curl.version_info () in
  Printf.printf "curl %s: %b %b\n" about.version
    (List.mem "https" about.protocols)
    (List.mem "ssl" (List.map String.lowercase_ascii about.features))
