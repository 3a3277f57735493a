@implementation Session

- (void)session:(NSURLSession *)session
didFinish:(NSArray *)metrics API_AVAILABLE(ios(10), macosx(10.12)) {
    self.metrics = metrics;
}

- (void)resume {
    if (@available(iOS 10, macOS 10.12, *)) {
        [self.task resume];
    }
}

@end
