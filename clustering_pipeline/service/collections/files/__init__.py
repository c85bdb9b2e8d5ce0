"""Files of documents: one module for each format, all of them read as blocks of rows."""
