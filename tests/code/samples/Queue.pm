package Shop::Queue;
use strict;
use warnings;

=head1 NAME

Shop::Queue - a queue

=cut

# Makes an empty queue.
sub new {
    my ($class, %options) = @_;
    my $self = { items => [], %options };
    return bless $self, $class;
}

sub push_item {
    my ($self, $item) = @_;
    push @{ $self->{items} }, $item;
    return scalar @{ $self->{items} };
}

package Shop::Other {
    sub size {
        my $self = shift;
        return scalar @{ $self->{items} };
    }
}

my $double = sub {
    my $value = shift;
    return 2 * $value;
};

1;
