#import "Cart.h"

static NSInteger add(NSInteger a, NSInteger b) {
    return a + b;
}

@interface Cart ()
@property (nonatomic, strong) NSMutableArray *items API_AVAILABLE(ios(10), macos(12));
- (void)clear;
@end

@implementation Cart

// Makes an empty cart.
- (instancetype)initWithOwner:(NSString *)owner {
    self = [super init];
    if (self) {
        _owner = [owner copy];
    }
    return self;
}

+ (instancetype)sharedCart {
    static Cart *shared = nil;
    return shared;
}

- (double)totalWithRate:(double)rate currency:(NSString *)currency {
    double sum = 0;
    for (Item *item in self.items) {
        sum += item.price;
    }
    return sum * rate;
}

@end

@implementation Cart (Testing)
- (void)testTotal {
    XCTAssertEqual([self totalWithRate:1 currency:nil], 0);
    [self clear];
}
@end
