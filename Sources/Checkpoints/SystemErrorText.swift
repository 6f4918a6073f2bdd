import Glibc

/// The system's words for `errno`.
func systemErrorText() -> String {
    String(cString: strerror(errno))
}
