using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace ReadStateStream.Host.Settings;

/// <summary>A setting has a value that is refused; the message names it and what is allowed.</summary>
public sealed class SettingException(string message) : Exception(message);

/// <summary>
/// Binds one options class to one configuration section and checks it, key by key: an unknown key, a value
/// of the wrong type and a value out of range are each refused under the name an operator types
/// (<c>Section__Key</c>), all of them at once.
/// </summary>
public static class BoundSection
{
    /// <summary>Reads a section; SettingException lists everything that is wrong with it.</summary>
    public static T Read<T>(IConfigurationSection section) where T : class, new()
    {
        var options = new T();
        var wrong = new List<string>();
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).ToArray();
        var known = string.Join(", ", properties.Select(p => p.Name));
        foreach (var child in section.GetChildren())
        {
            var property = Array.Find(properties, p => p.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
                wrong.Add($"{section.Key}__{child.Key} is not a setting; {section.Key} has {known}");
            else if (Set(options, property, child) is { } allowed)
                wrong.Add($"{section.Key}__{property.Name} must be {allowed}; it is '{child.Value}'");
        }
        wrong.AddRange(OutOfRange(options, section.Key));
        return wrong.Count == 0 ? options : throw new SettingException(string.Join(Environment.NewLine, wrong));
    }

    /// <summary>Null where the value was taken, else what is allowed.</summary>
    private static string? Set(object options, PropertyInfo property, IConfigurationSection value)
    {
        var type = property.PropertyType;
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>)
            && type.GetGenericArguments()[0] is { IsEnum: true } item)
            return SetList(options, property, item, value);
        if (property.GetValue(options) is IDictionary<string, string> named) return SetNamed(named, value);
        if (value.GetChildren().Any()) return "a single value";
        if (!TryParse(value.Value ?? "", Nullable.GetUnderlyingType(type) ?? type, out var parsed))
            return Allowed(property);
        property.SetValue(options, parsed);
        return null;
    }

    // Names of another's making: whoever uses them checks them. Values may be secrets and are never repeated.
    private static string? SetNamed(IDictionary<string, string> named, IConfigurationSection value)
    {
        foreach (var child in value.GetChildren()) named[child.Key] = child.Value ?? "";
        return value.Value is null ? null : "written as Key__name";
    }

    // A list is written as Key__0, Key__1, … or with commas in one value.
    private static string? SetList(object options, PropertyInfo property, Type item, IConfigurationSection value)
    {
        var texts = value.Value is { } line
            ? line.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [.. value.GetChildren().Select(child => child.Value ?? "")];
        var list = (System.Collections.IList)property.GetValue(options)!;
        if (list.IsFixedSize || list.IsReadOnly)
        {
            list = (System.Collections.IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
            property.SetValue(options, list);
        }
        foreach (var text in texts)
        {
            if (!TryParse(text, item, out var parsed)) return $"a list of {Choices(item)} ('{text}' is none of them)";
            list.Add(parsed);
        }
        return texts.Length == 0 ? $"a list of {Choices(item)}" : null;
    }

    private static bool TryParse(string text, Type type, out object? parsed)
    {
        var invariant = CultureInfo.InvariantCulture;
        parsed = null;
        if (type == typeof(string)) parsed = text;
        else if (type == typeof(bool) && bool.TryParse(text, out var flag)) parsed = flag;
        else if (type == typeof(int) && int.TryParse(text, NumberStyles.AllowLeadingSign, invariant, out var small))
            parsed = small;
        else if (type == typeof(long) && long.TryParse(text, NumberStyles.AllowLeadingSign, invariant, out var large))
            parsed = large;
        else if (type == typeof(double) && double.TryParse(text, NumberStyles.Float, invariant, out var real)) parsed = real;
        else if (type == typeof(DateTimeOffset)
            && DateTimeOffset.TryParse(
                text, invariant, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            parsed = time;
        else if (type.IsEnum && Names(type).Contains(text, StringComparer.OrdinalIgnoreCase))
            parsed = Enum.Parse(type, text, ignoreCase: true);
        return parsed is not null;
    }

    private static IEnumerable<string> OutOfRange(object options, string section)
    {
        var results = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true))
            yield break;
        foreach (var result in results)
        {
            var member = result.MemberNames.FirstOrDefault();
            var property = member is null ? null : options.GetType().GetProperty(member);
            yield return property is null || property.GetCustomAttribute<RangeAttribute>() is null
                ? $"{section}__{member}: {result.ErrorMessage}"
                : $"{section}__{member} must be {Allowed(property)}; it is {property.GetValue(options)}";
        }
    }

    private static string Allowed(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum) return Choices(type);
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(DateTimeOffset)) return "a time such as 2015-01-01T00:00:00Z";
        return property.GetCustomAttribute<RangeAttribute>() is { } range
            ? $"{range.Minimum} .. {range.Maximum}"
            : $"a {type.Name}";
    }

    private static string Choices(Type type) => string.Join(", ", Names(type).Select(name => name.ToLowerInvariant()));

    // "Unspecified" is the contract's word for what was not said; an operator has nothing to say by it.
    private static IEnumerable<string> Names(Type type) => Enum.GetNames(type).Where(name => name != "Unspecified");
}
