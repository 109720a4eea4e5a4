// The page's modules begin here.
