"""``$batch``, pure: operations in, bytes out; bytes in, one answer for each operation out."""
