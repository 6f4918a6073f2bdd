import Glibc

/// The system's words for an error number.
package func systemErrorText(_ number: Int32 = errno) -> String {
    String(cString: strerror(number))
}
