let name = "no patch for this machine"
