import Foundation

/// Plays music.
public final class Player: NSObject {
    private var volume: Int = 5
    let songs: [String]

    /// Makes a player.
    /// - Parameter songs: what to play
    public init(songs: [String]) {
        self.songs = songs
    }

    deinit {
        stop()
    }

    @discardableResult
    func play(_ index: Int) -> Bool {
        guard index < songs.count else { return false }
        return true
    }

    var count: Int {
        return songs.count
    }

    subscript(index: Int) -> String {
        return songs[index]
    }

    static func == (a: Player, b: Player) -> Bool {
        return a.songs == b.songs
    }
}

protocol Playable {
    func play(_ index: Int) -> Bool
    var count: Int { get }
}

struct Song: Codable {
    let title: String
}

enum State {
    case playing
    case stopped

    func next() -> State {
        return .stopped
    }
}

extension Player: Playable {
    func stop() {
        volume = 0
    }
}

func shuffle(_ songs: [String]) -> [String] {
    return songs.shuffled()
}

let double = { (x: Int) -> Int in
    return x * 2
}

class PlayerTests: XCTestCase {
    func testPlay() {
        XCTAssertTrue(Player(songs: ["a"]).play(0))
    }
}
