export const procedure = t.procedure
  .use(async function delay(options) {
    await wait(options.milliseconds);
    return options.next();
  })
  .use(log);

const context = konn()
  .beforeEach(() => {
    const server = listen();
    function App() {
      return server.render();
    }
    return { App };
  })
  .done();

ajaxTest("loads", 1, function (assert) {
  assert.ok(true);
});

QUnit[QUnit.positions ? "test" : "skip"]("filters by position", function (assert) {
  assert.expect(1);
});

describe("mocks", () => {
  beforeEach(() => {
    function respond() {
      return 200;
    }
    mock(respond);
  });
});

export const adapter = isSupported && function (config: Config) {
  return new Promise(function dispatch(resolve) {
    resolve(config);
  });
};
