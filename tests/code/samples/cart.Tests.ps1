Set-StrictMode -Version Latest

Describe 'A cart' {
    BeforeAll {
        function Get-Rate { 2 }

        function New-Cart($Items) {
            @{ Items = $Items }
        }
    }

    Context 'with items' {
        It 'is counted' -Tag First, Second {
            (New-Cart 1, 2).Items.Count | Should -Be 2
        }
    }
}

function Find-Remote($Command, $OnEnd = {}, $OnStart = {}) {
    switch -Regex ($Command) {
        "^remote.* (?:add|rm) (?<name>\S*)$" {
            $matches['name']
        }
    }
}

$cart = & (Get-Module Cart) {
    function Get-Total($Cart) {
        ($Cart.Items | Measure-Object -Sum).Sum
    }
}

if (!$prompt) {
    function global:prompt { '> ' }
}
