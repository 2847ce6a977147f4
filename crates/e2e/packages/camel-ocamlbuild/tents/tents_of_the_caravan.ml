let names = [ "tents" ]
