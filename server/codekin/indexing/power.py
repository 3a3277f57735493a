"""Tell whether the machine runs on its battery. Needs psutil (codekin[small]); without it nobody knows."""


def is_on_battery() -> bool:
    """Return whether a battery is discharging; False where there is none, or where that can't be told."""
    try:
        import psutil

        battery = psutil.sensors_battery()
    except (ImportError, AttributeError, OSError, RuntimeError):  # psutil lacks it on some systems
        return False
    return battery is not None and battery.power_plugged is False
