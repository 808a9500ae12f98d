# Tools that look into the library link libcore.la.
