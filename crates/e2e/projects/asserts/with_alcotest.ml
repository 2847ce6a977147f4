let () =
  let case () = Alcotest.(check string) "cpu" "aarch64" (Asserts.cpu ()) in
  Alcotest.run "asserts" [ ("target", [ Alcotest.test_case "runs" `Quick case ]) ]
