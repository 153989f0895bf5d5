namespace Beadhub.Boards;

/// <summary>Reads the timestamps of issues (contract 0.4, 7.1).</summary>
internal static class Timestamps
{
    private const int TicksDigits = 7;

    /// <summary>
    /// An ISO 8601 time as UTC in whole microseconds; null when it is none or lies outside of what can be stored. Accepted are any number
    /// of fraction digits,
    /// <c>Z</c> or an offset, a space instead of the <c>T</c>, and a date alone. A time without offset is UTC.
    /// </summary>
    public static DateTimeOffset? Parse(ReadOnlySpan<char> text)
    {
        if (!Number(ref text, 4, out var year) || !Skip(ref text, '-') || !Number(ref text, 2, out var month) || !Skip(ref text, '-')
            || !Number(ref text, 2, out var day))
            return null;
        if (year is < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return null;
        var ticks = new DateTime(year, month, day).Ticks;
        if (text.IsEmpty) return new(ticks, TimeSpan.Zero);

        if (text[0] is not ('T' or 't' or ' ')) return null;
        text = text[1..];
        if (!Number(ref text, 2, out var hour) || !Skip(ref text, ':') || !Number(ref text, 2, out var minute) || hour > 23 || minute > 59)
            return null;
        ticks += hour * TimeSpan.TicksPerHour + minute * TimeSpan.TicksPerMinute;
        if (Skip(ref text, ':'))
        {
            if (!Number(ref text, 2, out var second) || second > 59) return null;
            ticks += second * TimeSpan.TicksPerSecond;
            if ((Skip(ref text, '.') || Skip(ref text, ',')) && !Fraction(ref text, ref ticks)) return null;
        }

        if (!Offset(text, out var offset)) return null;
        ticks -= offset;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks
            ? null : new DateTimeOffset(ticks - ticks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }

    private static bool Fraction(ref ReadOnlySpan<char> text, ref long ticks)
    {
        var end = text.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? text : text[..end];
        if (digits.IsEmpty) return false;
        var unit = TimeSpan.TicksPerSecond;
        foreach (var digit in digits[..Math.Min(digits.Length, TicksDigits)]) ticks += (digit - '0') * (unit /= 10);
        text = text[digits.Length..];
        return true;
    }

    /// <summary>Nothing, Z, +hh, +hhmm, +hh:mm or +hh:mm:ss.</summary>
    private static bool Offset(ReadOnlySpan<char> text, out long ticks)
    {
        ticks = 0;
        if (text.IsEmpty || text is "Z" or "z") return true;
        var sign = text[0] switch { '+' => 1, '-' => -1, _ => 0 };
        text = text[1..];
        if (sign == 0 || !Number(ref text, 2, out var hours) || hours > 23) return false;
        int minutes = 0, seconds = 0;
        var colons = Skip(ref text, ':');
        if (colons || !text.IsEmpty)
        {
            if (!Number(ref text, 2, out minutes) || minutes > 59) return false;
            if (colons && Skip(ref text, ':') && (!Number(ref text, 2, out seconds) || seconds > 59)) return false;
        }

        ticks = sign * (hours * TimeSpan.TicksPerHour + minutes * TimeSpan.TicksPerMinute + seconds * TimeSpan.TicksPerSecond);
        return text.IsEmpty;
    }

    private static bool Number(ref ReadOnlySpan<char> text, int digits, out int number)
    {
        number = 0;
        if (text.Length < digits) return false;
        foreach (var digit in text[..digits])
        {
            if (!char.IsAsciiDigit(digit)) return false;
            number = number * 10 + (digit - '0');
        }

        text = text[digits..];
        return true;
    }

    private static bool Skip(ref ReadOnlySpan<char> text, char expected)
    {
        if (text.IsEmpty || text[0] != expected) return false;
        text = text[1..];
        return true;
    }
}
