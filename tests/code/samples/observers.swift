class A {
    var items: [Int] = [] {
        willSet {
            prepare()
        }
        didSet {
            update()
            notify(oldValue)
        }
    }
    var total: Int {
        get {
            return 1
        }
        set {
            store(newValue)
        }
    }
}
