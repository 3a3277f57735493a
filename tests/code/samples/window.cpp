Window::Window(App *app, const State initial)
    : Component(app)
    , ui_ {new Ui}
#ifdef Q_OS_MACOS
    , badge_ {new Badge}
#endif
    , rate_ {friendly(0)}
{
    ui_->setup(this);
    show(initial);
}

void Window::add_tabs()
{
    tabs_->addTab(splitter_,
#ifndef Q_OS_MACOS
        icon("list"),
#endif
        tr("Transfers"));
    tabs_->show();
}

void Window::choose(int kind)
{
    if (kind == 1) {
        open();
    }
#ifdef WITH_EXTRA
    else if (kind == 2) {
        extra();
    }
#endif
    else {
        close();
    }
}

void Window::update_title(const QString &title)
{
    auto text = title.isEmpty() ? QStringLiteral("app " VERSION) : title;
    setWindowTitle(text);
}

bool Window::event(QEvent *event)
{
    switch (event->type()) {
    case QEvent::Clipboard:
        return on_clipboard();
    default:
        return Base::event(event);
    }
}

class Queue
{
public:
    void push(int item) EXCLUSIVE_LOCKS_REQUIRED(mutex_)
    {
        items_.push_back(item);
        notify();
    }
    bool event(QEvent *event) Q_DECL_OVERRIDE
    {
        log(event);
        return Base::event(event);
    }
    int size() const V8_NOEXCEPT
    {
        check();
        return items_.size();
    }
    void clear() override LOCKS_EXCLUDED(mutex_)
    {
        items_.clear();
        notify();
    }
    int top() const noexcept LIFETIME_BOUND
    {
        check();
        return items_.back();
    }
    static int count() API_PURE
    {
        check();
        return total;
    }
};

int Queue::drain() EXCLUSIVE_LOCKS_REQUIRED(mutex_)
{
    int n = size();
    clear();
    return n;
}

void *allocate(size_t size) ALLOC_SIZE(1)
{
    check();
    return malloc(size);
}

class Handle
{
public:
    explicit operator bool() const noexcept
    {
        log("asked");
        return size_ > 0;
    }

    operator std::string() const
    {
        std::ostringstream out;
        out << size_;
        return out.str();
    }

    operator int*()
    {
        touch();
        return data_;
    }

    template <class U = int>
    static constexpr auto type_name(U* = nullptr) noexcept
    {
        constexpr auto whole = pretty();
        return whole.substr(3);
    }

    void reset(Widget* = nullptr)
    {
        clear();
        size_ = 0;
    }
};

Handle::operator bool() const
{
    log("outside");
    return size_ > 0;
}

class Ring {
 public:
  class Iterator {
   public:
    explicit Iterator(Ring& ring) : ring_(ring) {}
    void advance() {
      ++index_;
    }

   private:
    Ring& ring_;
    int index_ = 0;
  };

  struct Ratio {
    double value() const {
      return double(used) / size;
    }
    int used, size;
  } ratio;

  friend void swap(Ring& one, Ring& other) noexcept {
    std::swap(one.ratio, other.ratio);
  }
};
