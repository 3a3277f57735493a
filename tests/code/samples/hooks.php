<?php
class A {
    public string $full {
        get {
            $x = $this->first;
            return $x . $this->last;
        }
        set(string $value) {
            $this->first = $value;
            $this->check();
        }
    }
    public string $short { get => 1; }
}
