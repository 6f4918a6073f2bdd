import Checkpoints
import Foundation
import Testing

struct RunFolderTests {
    let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    @Test("A run folder has one owner at a time, and the refusal names it")
    func lock() throws {
        let path = temporary.path + "/run/lock"
        let first = try RunLock(path: path)
        #expect {
            try RunLock(path: path)
        } throws: { error in
            let text = "\(error)"
            return text.contains("pid \(getpid()) on host") && !text.contains("\n")
        }
        withExtendedLifetime(first) {}
    }

    @Test("Who asks whether a folder is free does not keep its owner out")
    func asking() throws {
        let path = temporary.path + "/lock"
        try temporary.write([], to: "lock")
        let asker = open(path, O_RDONLY)
        #expect(asker >= 0 && flock(asker, LOCK_SH | LOCK_NB) == 0)
        Thread.detachNewThread {
            usleep(200_000)
            close(asker)
        }
        _ = try RunLock(path: path)
    }

    @Test("The lock goes with its owner")
    func unlock() throws {
        for _ in 0..<2 { _ = try RunLock(path: temporary.path + "/lock") }
    }

    @Test("An atomic write replaces the whole file and leaves nothing else behind")
    func atomicWrite() throws {
        let path = temporary.path + "/run.yaml"
        try AtomicFile.write("a long first version", to: path)
        try AtomicFile.write("second", to: path)
        #expect(try temporary.bytes("run.yaml") == Array("second".utf8))
        #expect(try temporary.names() == ["run.yaml"])
    }

    @Test("A folder that does not exist is an error that names the file")
    func missingFolder() {
        #expect {
            try AtomicFile.write("text", to: temporary.path + "/none/run.yaml")
        } throws: { error in
            "\(error)".contains("No such file or directory") && "\(error)".contains("run.yaml")
        }
    }
}
