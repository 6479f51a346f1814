// C++ exceptions: selection of handlers, destructors, rethrowing, nesting, and many of them.

#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

struct Trace {
    const char *name;
    explicit Trace(const char *name) : name(name) { std::printf("+%s\n", name); }
    ~Trace() { std::printf("-%s\n", name); }
};

struct Base {
    virtual ~Base() = default;
    virtual const char *name() const { return "Base"; }
};
struct Other {
    int padding = 1;
    virtual ~Other() = default;
    int number = 7;
};
struct Derived : Other, Base {
    const char *name() const override { return "Derived"; }
};
struct Big {
    double values[40];
    std::string text;
};

[[gnu::noinline]] void raise(int which) {
    Trace trace("raise");
    switch (which) {
    case 0: return;
    case 1: throw 42;
    case 2: throw std::runtime_error("boom");
    case 3: throw std::out_of_range("far");
    case 4: throw Derived();
    case 5: throw "text";
    case 6: {
        Big big{};
        big.values[39] = 1.5;
        big.text = "a text that is too long for the object itself";
        throw big;
    }
    case 7: throw 2.5f;
    case 8: std::vector<int>(3).at(3); return;
    case 9: throw static_cast<const char *>(nullptr);
    default: throw std::bad_alloc();
    }
}

[[gnu::noinline]] void pass(int which) {
    Trace trace("pass");
    try {
        raise(which);
    } catch (float number) {
        std::printf("float %.1f, and another\n", number);
        throw std::logic_error("instead of a float");
    } catch (int number) {
        std::printf("int %d, again\n", number);
        throw;
    }
}

void handle(int which) {
    Trace trace("handle");
    try {
        pass(which);
        std::puts("nothing");
    } catch (const std::out_of_range &) {
        std::puts("out of range");
    } catch (const std::exception &error) {
        std::printf("exception %s\n", which == 10 ? "bad_alloc" : error.what());
    } catch (const Base &base) {
        std::printf("%s %d\n", base.name(), dynamic_cast<const Other &>(base).number);
    } catch (const char *text) {
        std::printf("text %s\n", text ? text : "null");
    } catch (Big big) {
        std::printf("big %.1f %s\n", big.values[39], big.text.c_str());
    } catch (...) {
        std::puts("anything");
    }
}

struct Member {
    Trace first{"first"};
    std::unique_ptr<Trace> second;
    explicit Member(bool fail) {
        second = std::make_unique<Trace>("second");
        if (fail) throw std::runtime_error("constructor");
    }
};

// An exception during a handler, and a destructor that throws and catches while the stack unwinds.
struct Careful {
    ~Careful() {
        try {
            throw 1;
        } catch (int number) {
            std::printf("inside a destructor %d\n", number);
        }
    }
};

[[gnu::noinline]] int recurse(int depth) {
    if (depth == 0) throw 1L;
    try {
        return recurse(depth - 1) + 1;
    } catch (long level) {
        throw level + 1;
    }
}

int main() {
    for (int which = 0; which <= 10; which++) handle(which);
    for (bool fail : {false, true}) {
        try {
            Member member(fail);
        } catch (const std::exception &error) {
            std::printf("caught %s\n", error.what());
        }
    }
    try {
        Careful careful;
        throw std::runtime_error("outside of it");
    } catch (const std::exception &error) {
        try {
            throw std::logic_error("in a handler");
        } catch (const std::exception &nested) {
            std::printf("%s, %s\n", error.what(), nested.what());
        }
    }
    try {
        recurse(500);
    } catch (long level) {
        std::printf("level %ld\n", level);
    }
    long sum = 0;
    for (int i = 0; i < 50000; i++) {
        try {
            if (i % 3 == 0) throw i;
            throw std::to_string(i);
        } catch (int number) {
            sum += number;
        } catch (const std::string &text) {
            sum += static_cast<long>(text.size());
        }
    }
    std::printf("sum %ld\n", sum);
    return 3;
}
