# frozen_string_literal: true

require "json"

module Jobs
  # Keeps jobs in order.
  class Queue
    attr_reader :name

    LIMIT = 10

    # Makes a queue.
    #
    # @param name [String] its name
    def initialize(name)
      @name = name
      @jobs = []
    end

    def push(job)
      @jobs << job
    end

    def self.load(text)
      new(JSON.parse(text))
    end

    class << self
      def default
        new("default")
      end
    end

    def empty? = @jobs.empty?

    private

    def limit!
      @jobs = @jobs.first(LIMIT)
    end

    define_method(:size) do
      @jobs.size
    end
  end

  Error = Class.new(StandardError)

  DOUBLE = lambda do |x|
    x * 2
  end
end

RSpec.describe Jobs::Queue do
  let(:queue) { described_class.new("a") }

  context "when empty" do
    it "has no jobs" do
      expect(queue).to be_empty
    end
  end
end

class QueueTest < Minitest::Test
  def test_push
    assert Jobs::Queue.new("b").push(1)
  end

  test "pushes twice" do
    assert true
  end
end

class Jobs::Retry
  private def again(times)
    times.times { yield }
  end
end

task :drain do
  Jobs::Queue.default.drain
end

Point = Struct.new(:x, :y) do
  def norm
    Math.hypot(x, y)
  end
end
