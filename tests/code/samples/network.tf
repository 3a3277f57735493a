# The network of the shop.
resource "aws_vpc" "main" {
  cidr_block = var.cidr
  tags = {
    Name = "main"
  }
}

module "database" {
  source = "./database"
  size   = 3
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/16"
}

locals {
  names = [for item in var.items : item.name]
  count = length(local.names)
}

output "id" { value = aws_vpc.main.id }
