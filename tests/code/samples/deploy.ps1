param(
    [string]$Target = "staging"
)

# Writes a line to the log.
function Write-Log {
    param([string]$Text)
    $line = "$(Get-Date) $Text"
    Add-Content -Path $LogFile -Value $line
}

function Get-Total($items) {
    $sum = 0
    foreach ($item in $items) { $sum += $item.Price }
    return $sum
}

class Cart {
    [string]$Owner

    Cart([string]$owner) {
        $this.Owner = $owner
        $this.Items = @()
    }

    [int] Total() {
        $sum = 0
        return $sum
    }
}

Write-Log "started"
